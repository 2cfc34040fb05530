# Compiler, linker and sanitizer settings that hold for every target.
option(QB_TESTS "Build the tests" ON)
option(QB_BENCHMARKS "Build the programs under bench/" OFF)
set(QB_PYTHON ${CMAKE_SOURCE_DIR}/build/venv/bin/python CACHE FILEPATH
    "Python that tests run with")
set(QB_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined")
# Not for users, whose compiler may warn of what ours doesn't. `./qb test` sets it, and it stays set in
# that clone: running and testing in turn builds nothing anew.
option(QB_WERROR "Warnings are errors" OFF)
option(QB_OBJC_ON_LINUX "Build the tests of Objective-C++ with fakes of Apple's classes" OFF)
option(QB_FUZZ "Fuzz targets are programs of clang's libFuzzer" OFF)
option(QB_COVERAGE "Programs count which of their lines run" OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(QB_CCACHE ccache)
if(QB_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${QB_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${QB_CCACHE})
endif()
if(NOT APPLE)
  find_program(QB_MOLD mold)
  if(QB_MOLD)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

# Without contraction into fused multiply-adds plain loops give the same bits on every machine; sums
# of Eigen's and functions of the C library (std::pow) still differ between processors and systems.
add_compile_options(-ffp-contract=off)

# QB_MARCH: what the loops of qb_native modules are compiled for. The processor that builds is no answer
# for a program that another one runs.
set(QB_MARCH native CACHE STRING "Processor that hot loops are compiled for, as -march takes it")
if(CMAKE_CROSSCOMPILING AND NOT APPLE AND QB_MARCH STREQUAL native)
  message(FATAL_ERROR "Programs for another processor need -DQB_MARCH, for example armv8.2-a")
endif()

# QB_CPU: what "native" means here. The compiler's cache doesn't look behind -march=native, so native
# objects carry this as a definition: one made for another processor is never taken for theirs. Not
# kept in CMake's cache, so that it is this machine's at each configuration.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -march=${QB_MARCH} -dM -E -x c++ /dev/null
  OUTPUT_VARIABLE native_macros ERROR_QUIET)
string(MD5 QB_CPU "${native_macros}")

# QB_NEEDED_INSTRUCTIONS: which of Linux's names for instruction sets the compiler takes for granted.
set(QB_NEEDED_INSTRUCTIONS "")
foreach(pair SSE4_2__=sse4_2 AVX__=avx AVX2__=avx2 FMA__=fma BMI__=bmi1 BMI2__=bmi2
    AVX512F__=avx512f AVX512BW__=avx512bw AVX512DQ__=avx512dq AVX512VL__=avx512vl
    AVX512VBMI__=avx512vbmi AVX512VBMI2__=avx512_vbmi2 AVX512VNNI__=avx512_vnni
    AVX512BITALG__=avx512_bitalg AVX512VPOPCNTDQ__=avx512_vpopcntdq AVX512BF16__=avx512_bf16
    ARM_FEATURE_DOTPROD=asimddp ARM_FEATURE_FP16_VECTOR_ARITHMETIC=asimdhp ARM_FEATURE_SVE=sve
    ARM_FEATURE_MATMUL_INT8=i8mm ARM_FEATURE_BF16_VECTOR_ARITHMETIC=bf16
    ARM_FEATURE_ATOMICS=atomics)
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 macro)
  list(GET pair 1 name)
  if(NOT APPLE AND native_macros MATCHES "#define __${macro} ")
    string(APPEND QB_NEEDED_INSTRUCTIONS "\"${name}\", ")
  endif()
endforeach()
add_compile_options(-Wall -Wextra -Wpedantic -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-Wno-restrict)  # g++ 12 warns inside std::string (GCC bug 105651)
endif()
if(QB_WERROR)
  add_compile_options(-Werror)
endif()
if(QB_SANITIZE)
  # Instrumented code confuses g++ 12's flow analysis (GCC bug 105562).
  add_compile_options(-fsanitize=${QB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  add_link_options(-fsanitize=${QB_SANITIZE})
endif()
if(QB_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

if(APPLE)
  set(QB_PLATFORM macos)
else()
  set(QB_PLATFORM linux)
endif()
if(APPLE OR QB_OBJC_ON_LINUX)
  enable_language(OBJCXX)
  set(CMAKE_OBJCXX_STANDARD ${CMAKE_CXX_STANDARD})
  set(CMAKE_OBJCXX_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  add_compile_options($<$<COMPILE_LANGUAGE:OBJCXX>:-fobjc-arc>)
endif()
