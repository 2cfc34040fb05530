# qb_tests(<label> <seconds> [SERIAL] <test>...): the label by which `ctest -L` finds the tests of this
# folder, and the time after which one has failed. Instrumented and emulated programs get five times as long.
# SERIAL: it measures time or loads the machine, so no other test runs beside it. A name that is no test
# here (its framework is missing) is passed over; a test that no line names is found by
# `ctest -R test_properties`.
function(qb_tests label seconds)
  cmake_parse_arguments(arg "SERIAL" "" "" ${ARGN})
  if(QB_SANITIZE OR QB_COVERAGE OR CMAKE_CROSSCOMPILING)
    math(EXPR seconds "${seconds} * 5")
  endif()
  foreach(test ${arg_UNPARSED_ARGUMENTS})
    if(TEST ${test})
      set_tests_properties(${test} PROPERTIES
        LABELS ${label} TIMEOUT ${seconds} RUN_SERIAL ${arg_SERIAL})
    endif()
  endforeach()
endfunction()
