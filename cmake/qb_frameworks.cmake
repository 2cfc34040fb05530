# The frameworks whose workers are built against the user's Python packages. One that is not there
# has no worker, and qbench says so.
function(qb_ask_python out_result)
  execute_process(COMMAND ${QB_PYTHON} -c "${ARGN}" OUTPUT_VARIABLE answer RESULT_VARIABLE status
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT status EQUAL 0)
    set(answer "")
  endif()
  set(${out_result} "${answer}" PARENT_SCOPE)
endfunction()

# qb_torch: libtorch. Its own package also looks for compilers and libraries of CUDA and MKL, and
# nothing here needs more than headers and three libraries.
qb_ask_python(torch_root "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])")
if(torch_root)
  set(Torch_FOUND TRUE)
  add_library(qb_torch INTERFACE)
  # After the system's: the package carries an fmt of its own.
  target_compile_options(qb_torch INTERFACE "SHELL:-idirafter ${torch_root}/include"
    "SHELL:-idirafter ${torch_root}/include/torch/csrc/api/include")
  target_link_directories(qb_torch INTERFACE ${torch_root}/lib)
  target_link_libraries(qb_torch INTERFACE torch torch_cpu c10)
  target_link_options(qb_torch INTERFACE -Wl,-rpath,${torch_root}/lib)
endif()
message(STATUS "PyTorch: ${torch_root}")
