// The ONNX Runtime library of the user's machine, opened at run time: a worker built once runs with
// the version that is installed.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>

#include <string>

#include "base/result.h"

namespace qb::ort {

struct Runtime {
  std::string path;
  std::string version;
  std::string build_info;
};

// Opens the library once: $QBENCH_ONNXRUNTIME_LIBRARY, else the one of the Python package that was
// there when the worker was built, else the system's. Error: unavailable, with what was tried.
Result<Runtime> open_runtime();

}  // namespace qb::ort
