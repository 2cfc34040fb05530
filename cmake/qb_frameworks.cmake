# The frameworks whose workers are built against the user's Python packages. One that is not there
# has no worker, and qbench says so.

# QB_ONNXRUNTIME_FOLDER: where the package's library lies, to be opened at run time.
execute_process(COMMAND ${QB_PYTHON} -c
  "import importlib.util as u, os; print(os.path.dirname(u.find_spec('onnxruntime').origin))"
  OUTPUT_VARIABLE QB_ONNXRUNTIME_FOLDER OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
string(APPEND QB_ONNXRUNTIME_FOLDER "/capi")

# Code that wasn't compiled for it looks to the thread sanitizer like one race after another.
if(QB_SANITIZE MATCHES thread)
  return()
endif()

# qb_torch: libtorch. Its own package also looks for compilers and libraries of CUDA and MKL, and
# nothing here needs more than headers and three libraries.
execute_process(COMMAND ${QB_PYTHON} -c
  "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
  OUTPUT_VARIABLE torch_root RESULT_VARIABLE torch_status OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET)
if(torch_status EQUAL 0)
  add_library(qb_torch INTERFACE)
  # After the system's: the package carries an fmt of its own.
  target_compile_options(qb_torch INTERFACE "SHELL:-idirafter ${torch_root}/include"
    "SHELL:-idirafter ${torch_root}/include/torch/csrc/api/include")
  target_link_directories(qb_torch INTERFACE ${torch_root}/lib)
  target_link_libraries(qb_torch INTERFACE torch torch_cpu c10)
  target_link_options(qb_torch INTERFACE -Wl,-rpath,${torch_root}/lib)
endif()

# mlx: the target of its own package.
execute_process(COMMAND ${QB_PYTHON} -c
  "import importlib.util as u; print(u.find_spec('mlx').submodule_search_locations[0])"
  OUTPUT_VARIABLE mlx_folder RESULT_VARIABLE mlx_status OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET)
if(mlx_status EQUAL 0)
  find_package(MLX CONFIG QUIET PATHS ${mlx_folder} NO_DEFAULT_PATH)
endif()

# qb_coreml_schema: Core ML's model format as classes, generated from the descriptors that coremltools
# carries. Writing models needs no Mac.
set(QB_COREMLTOOLS ${CMAKE_SOURCE_DIR}/build/coremltools CACHE PATH
    "Folder into which the Python package coremltools is unpacked")
pkg_check_modules(protobuf_lite QUIET IMPORTED_TARGET protobuf-lite)
find_program(QB_PROTOC protoc)
set(schema ${CMAKE_BINARY_DIR}/generated/coreml)
file(MAKE_DIRECTORY ${schema})
execute_process(COMMAND ${QB_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/coreml_schema.py ${QB_COREMLTOOLS}
  ${schema}/schema.desc
  RESULT_VARIABLE schema_status OUTPUT_QUIET ERROR_QUIET)
if(schema_status EQUAL 0 AND protobuf_lite_FOUND AND QB_PROTOC)
  set(schema_files FeatureTypes MIL Model)
  list(TRANSFORM schema_files APPEND .proto OUTPUT_VARIABLE schema_protos)
  list(TRANSFORM schema_files REPLACE "(.+)" "${schema}/\\1.pb.cc" OUTPUT_VARIABLE schema_sources)
  list(TRANSFORM schema_files REPLACE "(.+)" "${schema}/\\1.pb.h" OUTPUT_VARIABLE schema_headers)
  add_custom_command(OUTPUT ${schema_sources} ${schema_headers}
    COMMAND ${QB_PROTOC} --descriptor_set_in=${schema}/schema.desc --cpp_out=${schema} ${schema_protos}
    DEPENDS ${schema}/schema.desc)
  add_library(qb_coreml_schema STATIC ${schema_sources} ${schema_headers})
  target_compile_options(qb_coreml_schema PRIVATE -w)
  target_include_directories(qb_coreml_schema SYSTEM PUBLIC ${schema})
  target_link_libraries(qb_coreml_schema PUBLIC PkgConfig::protobuf_lite)
endif()
