# cmake -DNAME=… -DLIST=… -DROOT=… -DOUTPUT=… -P write_code_hash.cmake: see qb_code_hash.cmake. Names
# count from ROOT, so that another clone of the same sources has the same hash.
file(STRINGS ${LIST} files)
file(READ ${LIST}.settings text)
foreach(file ${files})
  file(SHA256 ${file} hash)
  file(RELATIVE_PATH relative ${ROOT} ${file})
  string(APPEND text "\n${relative} ${hash}")
endforeach()
string(SHA256 hash "${text}")
set(source "// Made by cmake/write_code_hash.cmake.
#include \"compression/bundle/code_hash.h\"

namespace qb::bundle {

std::string_view code_of_${NAME}() { return \"${hash}\"; }

}  // namespace qb::bundle
")
# The same hash leaves the file's time as it is, so that nothing is linked anew.
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL source)
  file(WRITE ${OUTPUT} "${source}")
endif()
