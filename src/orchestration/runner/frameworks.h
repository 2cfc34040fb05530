// Finds the workers beside the program and asks each what it is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "orchestration/runner/blas.h"

namespace qb::runner {

struct Device {
  std::string name;
  bool is_available = false;
  std::string reason;
};

struct Framework {
  std::string name;  // "pytorch"; "pytorch@2.13.0" when several versions are here
  std::string title;
  std::filesystem::path worker;  // empty: there is none
  // What its workers are started with besides this process's own: "NAME=value".
  std::vector<std::string> environment;
  bool is_available = false;
  std::string version;
  std::string reason;  // when not available: why, and the remedy
  std::string remedy;
  std::vector<Device> devices;
  std::string emits;  // packages, in words; empty: none
  Json description;   // everything the worker told
};

// Beside the program.
std::filesystem::path worker_path(std::string_view framework);

// Every framework that qbench knows, in the order of record/frameworks.h, from the folders in
// $QBENCH_WORKERS (a colon between them), else from beside the program. One that several folders
// have is there once for each of its versions. `log_folder` gets what the workers print, for as
// long as they are asked.
std::vector<Framework> find_frameworks(const std::filesystem::path& log_folder,
                                       BlasChoice blas = BlasChoice::fast);

// What a worker finds of a device's matrix products (measurement/worker/products.h). Errors:
// unavailable, when it doesn't answer. `log` gets what it prints.
Result<Json> check_products(const Framework& framework, const std::string& device,
                            const std::filesystem::path& log);

}  // namespace qb::runner
