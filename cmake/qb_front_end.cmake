# Apache ECharts, which ./qb setup brings; its file is built in like the front end's own.
set(QB_ECHARTS ${CMAKE_SOURCE_DIR}/build/data/echarts-6.1.0/dist/echarts.min.js CACHE FILEPATH
    "ECharts' dist file")
if(NOT EXISTS ${QB_ECHARTS})
  message(FATAL_ERROR "${QB_ECHARTS} isn't there: run ./qb setup, or say -DQB_ECHARTS=FILE")
endif()

# qb_front_end(<module> <folder>): builds the folder's .js, .css and .html files, and ECharts, into the module.
function(qb_front_end module folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.js ${folder}/*.css ${folder}/*.html)
  set(QB_FRONT_END_ROWS "")
  foreach(file IN LISTS files ITEMS ${QB_ECHARTS})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    cmake_path(GET file FILENAME name)
    set(type text/javascript)
    if(file STREQUAL QB_ECHARTS)  # a script, no module
      set(name echarts.js)
      set(type application/javascript)
    elseif(name MATCHES "\\.css$")
      set(type text/css)
    elseif(name MATCHES "\\.html$")
      set(type text/html)
    endif()
    file(READ ${file} text)
    string(APPEND QB_FRONT_END_ROWS "    {\"${name}\", \"${type}\", R\"qb_file(${text})qb_file\"sv},\n")
  endforeach()
  configure_file(${folder}/files.cpp.in ${CMAKE_BINARY_DIR}/generated/front_end_files.cpp @ONLY)
  target_sources(${module} PRIVATE ${CMAKE_BINARY_DIR}/generated/front_end_files.cpp)
endfunction()
