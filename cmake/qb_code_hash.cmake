# qb_code_hash(<target> <name> MODULES <module>... [FILES <file>...]): adds to the target the function
# qb::bundle::code_of_<name>(), a hash of the modules' sources and of the files. It stands in the recipe of
# everything that this code makes and that is kept, so that a mended fault isn't measured from a
# cache. Computed by the build when one of the files changes; nothing is configured anew.
set(QB_CODE_HASH_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/write_code_hash.cmake)

function(qb_code_hash target name)
  cmake_parse_arguments(arg "" "" "MODULES;FILES" ${ARGN})
  set(files ${arg_FILES})
  foreach(module ${arg_MODULES})
    get_property(folder GLOBAL PROPERTY QB_FOLDER_${module})
    file(GLOB found CONFIGURE_DEPENDS ${folder}/*.cpp ${folder}/*.h)
    list(FILTER found EXCLUDE REGEX "_test\\.cpp$")
    list(APPEND files ${found})
  endforeach()
  list(SORT files)
  set(output ${CMAKE_BINARY_DIR}/generated/code_of_${name}.cpp)
  set(list ${CMAKE_BINARY_DIR}/generated/code_of_${name}.txt)
  # The compiler and what it compiles for decide bits too.
  string(JOIN "\n" settings "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}" "${QB_CPU}"
    "${CMAKE_BUILD_TYPE} ${QB_SANITIZE}")
  string(JOIN "\n" lines ${files})
  file(CONFIGURE OUTPUT ${list} CONTENT "${lines}" @ONLY)
  file(CONFIGURE OUTPUT ${list}.settings CONTENT "${settings}" @ONLY)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DLIST=${list} -DROOT=${CMAKE_SOURCE_DIR}
      -DOUTPUT=${output} -P ${QB_CODE_HASH_SCRIPT}
    DEPENDS ${files} ${list} ${list}.settings ${QB_CODE_HASH_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
