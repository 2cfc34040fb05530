# qb_wing(<name>): the modules that follow lie in src/<name>/; "": in src/.
macro(qb_wing name)
  set(QB_WING "${name}")
endmacro()

# What `ctest -L unit` needs, and nothing else.
add_custom_target(unit_tests)

# qb_module(<name> [USES <module>...] [LINK <library>...]): the library qb_<name> from the wing's folder <name>/,
# and the test program test_<name> from its *_test.cpp files. USES lists the modules whose headers
# it may include; tests/layering checks that. A file that ends in _linux.cpp, _macos.cpp or _macos.mm
# (Objective-C++) is built on that system only.
function(qb_sources folder out_sources out_tests)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp ${folder}/*.mm)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")
  foreach(system linux macos)
    if(NOT system STREQUAL QB_PLATFORM)
      list(FILTER sources EXCLUDE REGEX "_${system}\\.(cpp|mm)$")
      list(FILTER tests EXCLUDE REGEX "_${system}_test\\.cpp$")
    endif()
  endforeach()
  set(${out_sources} ${sources} PARENT_SCOPE)
  set(${out_tests} ${tests} PARENT_SCOPE)
endfunction()

function(qb_module name)
  cmake_parse_arguments(arg "" "FOLDER" "USES;LINK" ${ARGN})
  if(NOT arg_FOLDER)
    set(arg_FOLDER ${name})
  endif()
  cmake_path(APPEND QB_WING ${arg_FOLDER} OUTPUT_VARIABLE folder)
  cmake_path(ABSOLUTE_PATH folder BASE_DIRECTORY ${CMAKE_SOURCE_DIR}/src)
  set_property(GLOBAL PROPERTY QB_FOLDER_${name} ${folder})
  qb_sources(${folder} sources tests)
  set(uses ${arg_USES})
  list(TRANSFORM uses PREPEND qb_)
  if(sources)
    add_library(qb_${name} STATIC ${sources})
    target_include_directories(qb_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(qb_${name} PUBLIC ${uses} fmt::fmt tl::expected PRIVATE ${arg_LINK})
  else()
    add_library(qb_${name} INTERFACE)
    target_include_directories(qb_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(qb_${name} INTERFACE ${uses} fmt::fmt tl::expected)
  endif()
  if(QB_TESTS AND tests)
    add_executable(test_${name} ${tests} ${CMAKE_SOURCE_DIR}/tests/doctest_main.cpp)
    target_link_libraries(test_${name} PRIVATE qb_${name} ${arg_LINK} doctest::doctest)
    target_compile_definitions(test_${name} PRIVATE
      QB_SOURCE_DIR="${CMAKE_SOURCE_DIR}" QB_BINARY_DIR="${CMAKE_BINARY_DIR}")
    add_test(NAME ${name} COMMAND test_${name})
    qb_tests(unit 60 ${name})
    add_dependencies(unit_tests test_${name})
  endif()
endfunction()

# qb_engine(<name> [NEEDS <target>] [USES <module>...] [LINK <library>...]): the program
# qbench-worker-<name> from engines/<name>/, with the worker's main() and timed loop. Without the
# target NEEDS, the framework's own, there is no program: qbench then says that it is unavailable.
function(qb_engine name)
  cmake_parse_arguments(arg "" "NEEDS" "USES;LINK" ${ARGN})
  if(arg_NEEDS AND NOT TARGET ${arg_NEEDS})
    message(STATUS "No worker for ${name}: its framework was not found")
    return()
  endif()
  qb_module(engine_${name} FOLDER engines/${name} USES worker ${arg_USES} LINK ${arg_LINK})
  add_executable(qbench-worker-${name} ${CMAKE_SOURCE_DIR}/src/measurement/scenarios/main.cpp)
  target_link_libraries(qbench-worker-${name} PRIVATE qb_engine_${name} qb_scenarios)
endfunction()

# qb_native(<module>): compiled for the machine that builds it, or for QB_MARCH. Packing, calibration and
# quality baselines wait for these loops. (All modules that use Eigen: its alignment depends on the
# instruction set. Apple's compiler aims at the M1 by itself. -Wno-maybe-uninitialized: g++ 12 warns
# inside its own AVX-512 header, GCC bug 105593.)
function(qb_native name)
  foreach(target qb_${name} test_${name})
    if(TARGET ${target} AND NOT APPLE)
      target_compile_options(${target} PRIVATE -march=${QB_MARCH} -DQB_CPU=${QB_CPU}
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
        $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized>)
    endif()
  endforeach()
endfunction()

# qb_precompile(<module> <header>): the header is compiled once for all of the module's sources.
# Nothing is done for a module that isn't built.
function(qb_precompile name header)
  if(NOT TARGET qb_${name})
    return()
  endif()
  target_precompile_headers(qb_${name} PRIVATE ${header})
  if(QB_CCACHE)  # which looks into precompiled headers only when it is told how
    set_target_properties(qb_${name} PROPERTIES CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${QB_CCACHE}")
    target_compile_options(qb_${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
  endif()
endfunction()
