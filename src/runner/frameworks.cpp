#include "runner/frameworks.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/paths.h"
#include "record/frameworks.h"
#include "runner/process.h"

namespace qb::runner {
namespace fs = std::filesystem;
namespace {

constexpr int64_t describe_limit_ns = 60'000'000'000;

// What `worker --describe` prints on standard output.
Result<Json> describe(const Framework& framework, const fs::path& log) {
  QB_TRY(ChildProcess child, ChildProcess::start({framework.worker.string(), "--describe"}, log,
                                                 framework.environment));
  const std::optional<int> status = child.wait_for(describe_limit_ns);
  if (!status) return fail(Errc::unavailable, "its worker did not describe itself within 60 s");
  QB_TRY(const std::string text, read_file(log));
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0)
    return fail(Errc::unavailable, "its worker ended with status {}: {}", *status,
                text.substr(0, 200));
  const size_t start = text.rfind("\n{");  // a library may have printed something before
  return parse_json(std::string_view(text).substr(start == std::string::npos ? 0 : start + 1));
}

void apply(const Json& description, Framework& framework) {
  framework.description = description;
  framework.version = description["version"].as_string();
  framework.is_available = description["available"].as_bool();
  framework.reason = description["reason"].as_string();
  framework.remedy = description["remedy"].as_string();
  for (const Json& device : description["devices"].as_array())
    framework.devices.push_back(
        {device["name"].as_string(), device["available"].as_bool(), device["reason"].as_string()});
}

}  // namespace

fs::path worker_path(std::string_view framework) {
  return executable_folder() / fmt::format("qbench-worker-{}", framework);
}

std::vector<Framework> find_frameworks(const fs::path& log_folder, BlasChoice blas) {
  std::error_code ignored;
  fs::create_directories(log_folder, ignored);
  std::vector<Framework> found;
  for (const FrameworkRow& row : framework_rows) {
    Framework framework = {.name = std::string(row.name), .title = std::string(row.title)};
    const fs::path worker = worker_path(row.name);
    if (!fs::exists(worker)) {
      framework.reason = fmt::format("{} is not there", worker.filename().string());
      framework.remedy = row.remedy;
    } else {
      framework.worker = worker;
      if (row.ships_slow_blas && blas == BlasChoice::fast)
        framework.environment = fast_blas_environment();
      const auto description =
          describe(framework, log_folder / fmt::format("{}.describe.log", row.name));
      if (description) {
        apply(*description, framework);
      } else {
        framework.reason = description.error().message;
        framework.remedy = row.remedy;
      }
    }
    found.push_back(std::move(framework));
  }
  return found;
}

}  // namespace qb::runner
