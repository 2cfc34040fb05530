#include "measurement/engines/onnxruntime/runtime.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace qb::ort {
namespace fs = std::filesystem;
namespace {

bool is_library(const std::string& name) {
  return name.starts_with("libonnxruntime.so") ||
         (name.starts_with("libonnxruntime") && name.ends_with(".dylib"));
}

// Libraries of the Python package that this worker was built for.
void add_from_package(std::vector<std::string>& candidates) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(QB_ONNXRUNTIME_FOLDER, error))
    if (is_library(entry.path().filename().string())) candidates.push_back(entry.path().string());
  std::ranges::sort(candidates);  // folders are listed in any order
}

std::vector<std::string> candidate_paths() {
  const char* chosen = std::getenv("QBENCH_ONNXRUNTIME_LIBRARY");
  if (chosen && *chosen) return {chosen};
  std::vector<std::string> candidates;
  add_from_package(candidates);
  for (const char* name : {"libonnxruntime.so.1", "libonnxruntime.so", "libonnxruntime.dylib"})
    candidates.emplace_back(name);
  return candidates;
}

Result<Runtime> open_library(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return fail(Errc::unavailable, "{}", ::dlerror());
  using GetBase = const OrtApiBase* (*)();
  const auto get_base = reinterpret_cast<GetBase>(::dlsym(handle, "OrtGetApiBase"));
  if (!get_base) return fail(Errc::unavailable, "{} is no ONNX Runtime", path);
  const OrtApi* api = get_base()->GetApi(ORT_API_VERSION);
  if (!api)
    return fail(Errc::unavailable, "{} is ONNX Runtime {}; 1.{} or later is needed", path,
                get_base()->GetVersionString(), ORT_API_VERSION);
  Ort::InitApi(api);
  return Runtime{path, get_base()->GetVersionString(), api->GetBuildInfoString()};
}

Result<Runtime> open_first() {
  std::string tried;
  for (const std::string& path : candidate_paths()) {
    Result<Runtime> runtime = open_library(path);
    if (runtime) return runtime;
    tried += fmt::format("{}{}", tried.empty() ? "" : "; ", runtime.error().message);
  }
  return fail(Errc::unavailable, "ONNX Runtime is not here: {}", tried);
}

}  // namespace

Result<Runtime> open_runtime() {
  static const Result<Runtime> runtime = open_first();
  return runtime;
}

}  // namespace qb::ort
