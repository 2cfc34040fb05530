// Debian's OpenBLAS, put before the framework's own by the dynamic linker.
#include <cstdlib>
#include <filesystem>

#include "orchestration/runner/blas.h"

namespace qb::runner {
namespace fs = std::filesystem;
namespace {

// Of the package libopenblas0-pthread: /usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0.
// Others of Debian's variants count their threads in other ways.
fs::path find_openblas() {
  std::error_code ignored;
  for (const auto& folder : fs::directory_iterator("/usr/lib", ignored)) {
    if (!folder.path().filename().string().ends_with("-linux-gnu")) continue;
    const fs::path library = folder.path() / "openblas-pthread" / "libopenblas.so.0";
    if (fs::exists(library, ignored)) return library;
  }
  return {};
}

}  // namespace

std::vector<std::string> fast_blas_environment() {
  const fs::path library = find_openblas();
  if (library.empty()) return {};
  const char* others = std::getenv("LD_PRELOAD");
  const bool has_others = others && *others;
  return {fmt::format("LD_PRELOAD={}{}{}", library.string(), has_others ? ":" : "",
                      has_others ? others : "")};
}

}  // namespace qb::runner
