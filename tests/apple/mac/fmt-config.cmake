# fmt's headers alone: Homebrew's version comes with torch's wheel, its library doesn't.
add_library(fmt::fmt INTERFACE IMPORTED)
cmake_path(SET fmt_include NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../../../include)
set_target_properties(fmt::fmt PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES ${fmt_include} INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY)
