#include "orchestration/runner/frameworks.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/clock.h"
#include "base/file.h"
#include "base/paths.h"
#include "measurement/record/frameworks.h"
#include "orchestration/runner/process.h"

namespace qb::runner {
namespace fs = std::filesystem;
namespace {

constexpr int64_t answer_limit_ns = 60'000'000'000;

// What the worker prints on standard output when it is asked by those arguments.
Result<Json> ask(const Framework& framework, const std::vector<std::string>& question,
                 const fs::path& log) {
  std::vector<std::string> command = {framework.worker.string()};
  command.insert(command.end(), question.begin(), question.end());
  QB_TRY(ChildProcess child, ChildProcess::start(command, log, framework.environment));
  const std::optional<int> status = child.wait_for(answer_limit_ns);
  if (!status)
    return fail(Errc::unavailable, "its worker did not answer {} within 60 s", question.front());
  QB_TRY(const std::string text, read_file(log));
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0)
    return fail(Errc::unavailable, "its worker ended with status {}: {}",
                WIFEXITED(*status) ? WEXITSTATUS(*status) : *status, text.substr(0, 200));
  const size_t start = text.rfind("\n{");  // a library may have printed something before
  return parse_json(std::string_view(text).substr(start == std::string::npos ? 0 : start + 1));
}

void apply(const Json& description, Framework& framework) {
  framework.description = description;
  framework.version = description["version"].as_string();
  framework.is_available = description["available"].as_bool();
  framework.reason = description["reason"].as_string();
  framework.remedy = description["remedy"].as_string();
  framework.emits = description["emits"].as_string();
  for (const Json& device : description["devices"].as_array())
    framework.devices.push_back(
        {device["name"].as_string(), device["available"].as_bool(), device["reason"].as_string()});
}

// Folders to look for workers in.
std::vector<fs::path> worker_folders() {
  const char* listed = std::getenv("QBENCH_WORKERS");
  if (!listed || !*listed) return {executable_folder()};
  std::vector<fs::path> folders;
  for (std::string_view rest = listed; !rest.empty();) {
    const size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) folders.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return folders;
}

Framework missing(const FrameworkRow& row) {
  return {.name = std::string(row.name),
          .title = std::string(row.title),
          .reason = fmt::format("qbench-worker-{} is not there", row.name),
          .remedy = std::string(row.remedy)};
}

Framework found(const FrameworkRow& row, const fs::path& worker, const fs::path& log,
                BlasChoice blas) {
  Framework framework = missing(row);
  framework.worker = worker;
  if (row.ships_slow_blas && blas == BlasChoice::fast)
    framework.environment = fast_blas_environment();
  if (const auto description = ask(framework, {"--describe"}, log))
    apply(*description, framework);
  else
    framework.reason = description.error().message;
  std::error_code ignored;
  fs::remove(log, ignored);
  return framework;
}

// Versions of one framework side by side get names of their own.
void tell_apart(std::vector<Framework>& versions) {
  if (versions.size() < 2) return;
  std::map<std::string, int> uses;
  for (Framework& framework : versions) {
    const int use = ++uses[framework.version];
    framework.name +=
        fmt::format("@{}{}", framework.version, use > 1 ? fmt::format("#{}", use) : "");
    framework.title += " " + framework.version;
  }
}

std::vector<Framework> find_versions(const FrameworkRow& row, const std::vector<fs::path>& folders,
                                     const fs::path& log_folder, BlasChoice blas) {
  std::vector<Framework> versions;
  std::vector<Framework> broken;
  for (size_t i = 0; i < folders.size(); ++i) {
    const fs::path worker = folders[i] / fmt::format("qbench-worker-{}", row.name);
    if (!fs::exists(worker)) continue;
    const fs::path log = log_folder / fmt::format("{}{}.{}.log", row.name, i, ::getpid());
    Framework framework = found(row, worker, log, blas);
    (framework.is_available ? versions : broken).push_back(std::move(framework));
  }
  if (versions.empty()) return {broken.empty() ? missing(row) : broken.front()};
  tell_apart(versions);
  return versions;
}

}  // namespace

fs::path worker_path(std::string_view framework) {
  return executable_folder() / fmt::format("qbench-worker-{}", framework);
}

Result<Json> check_products(const Framework& framework, const std::string& device,
                            const fs::path& log) {
  return ask(framework, {"--check", device}, log);
}

std::vector<Framework> find_frameworks(const fs::path& log_folder, BlasChoice blas) {
  std::error_code ignored;
  fs::create_directories(log_folder, ignored);
  std::vector<Framework> all;
  for (const FrameworkRow& row : framework_rows) {
    const bool is_own = row.name == "reference";  // it comes with qbench, not with a Python
    for (Framework& framework : find_versions(
             row, is_own ? std::vector{executable_folder()} : worker_folders(), log_folder, blas))
      all.push_back(std::move(framework));
  }
  return all;
}

}  // namespace qb::runner
