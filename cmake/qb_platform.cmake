# Compiler, linker and sanitizer settings that hold for every target.
option(QB_TESTS "Build the tests" ON)
option(QB_BENCHMARKS "Build the programs under bench/" OFF)
set(QB_PYTHON ${CMAKE_SOURCE_DIR}/build/venv/bin/python CACHE FILEPATH
    "Python that tests run with")
set(QB_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined")

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

# QB_CPU: what "native" means here. The compiler's cache doesn't look behind -march=native, so native
# objects carry this as a definition: one made for another processor is never taken for theirs. Not
# kept in CMake's cache, so that it is this machine's at each configuration.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -march=native -dM -E -x c++ /dev/null
  OUTPUT_VARIABLE QB_CPU ERROR_QUIET)
string(MD5 QB_CPU "${QB_CPU}")
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

if(APPLE)
  set(QB_PLATFORM macos)
else()
  set(QB_PLATFORM linux)
endif()
