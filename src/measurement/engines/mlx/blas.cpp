#include "measurement/engines/mlx/blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace qb::mlx {
namespace fs = std::filesystem;
namespace {

// Whether one of the files that LD_PRELOAD names is the library.
bool is_preloaded(const std::string& library) {
  const char* list = std::getenv("LD_PRELOAD");
  if (!list) return false;
  std::string_view rest = list;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find_first_of(": "), rest.size());
    std::error_code ignored;
    if (end > 0 && fs::equivalent(rest.substr(0, end), library, ignored)) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

std::string library_of(void* symbol) {
  Dl_info info = {};
  return symbol && ::dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : "";
}

}  // namespace

Blas find_blas() {
  Blas blas;
  blas.library = library_of(::dlsym(RTLD_DEFAULT, "cblas_sgemm"));
  blas.is_preloaded = is_preloaded(blas.library);
  using Describe = char* (*)();
  if (const auto describe =
          reinterpret_cast<Describe>(::dlsym(RTLD_DEFAULT, "openblas_get_config"))) {
    blas.name = describe();
  } else if (blas.library.find("vecLib") != std::string::npos ||
             blas.library.find("Accelerate") != std::string::npos) {
    blas.name = "Accelerate";
  } else {
    blas.name = blas.library.empty() ? "none found" : "reference BLAS (netlib)";
    blas.is_reference = true;
  }
  return blas;
}

Json to_json(const Blas& blas) {
  return Json::object(
      {{"name", blas.name}, {"library", blas.library}, {"preloaded", blas.is_preloaded}});
}

int64_t set_blas_threads(int64_t thread_count) {
  using SetThreads = void (*)(int);
  const auto set = reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (!set) return 1;
  set(static_cast<int>(thread_count));
  return thread_count;
}

}  // namespace qb::mlx
