# cmake --install: programs beside each other in bin/, where qbench looks for its workers; suites and
# texts in share/. Programs are copied as they were linked, so they go on finding the frameworks'
# libraries in the Python environment that they were built against. Weights and data stay where set-up
# put them: a link leads there.
foreach(program qbench qbench-prepare qbench-worker-reference qbench-worker-onnxruntime
    qbench-worker-pytorch qbench-worker-mlx qbench-worker-coreml)
  if(TARGET ${program})
    install(PROGRAMS $<TARGET_FILE:${program}> DESTINATION bin)
  endif()
endforeach()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/suites DESTINATION share/qbench)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md
  DESTINATION share/doc/qbench)
install(CODE "
  file(CREATE_LINK \"${CMAKE_SOURCE_DIR}/build/data\"
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share/qbench/data\" SYMBOLIC)")
