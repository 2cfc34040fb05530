# fmt as Homebrew has it: its headers come with torch's wheel, the library is made from them.
add_library(fmt::fmt STATIC IMPORTED)
cmake_path(SET fmt_prefix NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../../..)
set_target_properties(fmt::fmt PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES ${fmt_prefix}/include IMPORTED_LOCATION ${fmt_prefix}/lib/aarch64-linux-gnu/libfmt.a)
