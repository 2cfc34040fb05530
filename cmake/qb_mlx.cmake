# MLX of the project's Python environment, as the target `mlx`; none when it isn't there.
execute_process(COMMAND ${QB_PYTHON} -m mlx --cmake-dir OUTPUT_VARIABLE folder ERROR_QUIET
  RESULT_VARIABLE status OUTPUT_STRIP_TRAILING_WHITESPACE)
if(status EQUAL 0)
  find_package(MLX CONFIG QUIET PATHS ${folder} NO_DEFAULT_PATH)
endif()
