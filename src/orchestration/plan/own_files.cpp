#include "orchestration/plan/own_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/file_name.h"
#include "base/printable.h"
#include "measurement/record/frameworks.h"
#include "network/models/models.h"

namespace qb::plan {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view task_name = "own_file";
constexpr std::string_view scheme_name =
    "as-is";  // the file's own bits, which qbench doesn't choose

const FileKindRow* find_kind(const fs::path& file) {
  const std::string ending = file_ending(file);
  const auto row = std::ranges::find(file_kind_rows, ending, &FileKindRow::ending);
  return row == std::end(file_kind_rows) ? nullptr : row;
}

Result<void> check_ending(const fs::path& file) {
  if (find_kind(file)) return {};
  const std::string ending = file_ending(file);
  if (ending == ".pth" || ending == ".pkl" || ending == ".ckpt")
    return fail(Errc::bad_input,
                "{}: a {} file is a pickle, which is code: qbench doesn't run it; export the model "
                "as .onnx, TorchScript .pt or AOTInductor .pt2",
                file.string(), ending);
  std::string known;
  for (const FileKindRow& row : file_kind_rows) known += fmt::format(" {}", row.ending);
  return fail(Errc::bad_input, "{}: no framework opens {}; known endings:{}", file.string(),
              ending.empty() ? "a file without ending" : ending + " files", known);
}

// JSON has no other texts: a path beyond it would reach the worker as another one.
bool is_utf8(const std::string& text) {
  const auto again = parse_json(dump_json(Json(text)));
  return again && again->as_string() == text;
}

Result<std::string> check_file(const std::string& file) {
  if (!is_utf8(file))
    return fail(Errc::bad_input, "--model: a path that is not UTF-8 can't be recorded: rename it");
  std::error_code error;
  if (!fs::exists(file, error)) return fail(Errc::not_found, "{}: no such file", file);
  QB_CHECK(check_ending(file));
  if (!fs::is_regular_file(file, error))
    return fail(Errc::bad_input, "{}: is no regular file", file);
  return fs::absolute(file).string();
}

// Every version of the framework that opens the file, or those of them that the user names.
Result<std::vector<std::string>> frameworks_of(const std::string& file,
                                               const Narrowing& narrowing) {
  const std::string framework(find_kind(file)->framework);
  std::vector<std::string> all = with_versions({framework}, narrowing);
  if (narrowing.frameworks.empty()) return all;
  const std::vector<std::string> named = with_versions(narrowing.frameworks, narrowing);
  std::erase_if(all, [&](const std::string& name) { return std::ranges::count(named, name) == 0; });
  if (all.empty())
    return fail(Errc::bad_input, "{}: is opened by {}, which --framework leaves out", file,
                framework);
  return all;
}

// The last `count` parts of a path.
std::string tail_of(const fs::path& path, size_t count) {
  const std::vector<fs::path> parts(path.begin(), path.end());
  fs::path tail;
  for (size_t i = parts.size() - std::min(count, parts.size()); i < parts.size(); ++i)
    tail /= parts[i];
  return printable(tail.string());
}

// As many of `parts` as make the name of a file when put together again; 1 when none do.
size_t count_of_file_parts(std::span<const std::string_view> parts) {
  for (size_t count = parts.size(); count > 1; --count) {
    std::error_code ignored;
    const std::string name =
        fmt::format("{}", fmt::join(parts.begin(), parts.begin() + static_cast<long>(count), ","));
    if (fs::exists(name, ignored) && !fs::is_directory(name, ignored)) return count;
  }
  return 1;
}

// A file has its shapes: only the threads are chosen.
Result<void> check_axes(const Axes& given, const std::string& path) {
  for (const auto& [name, values] : given)
    if (!values.empty() && name != "thread_count")
      return fail(Errc::bad_input,
                  "{}: {} is for models of the zoo: what a model file is given is what --input "
                  "NAME=SHAPE says",
                  path, task::flag_of(*task::find_axis(name)));
  return {};
}

}  // namespace

std::vector<std::string> split_models(const std::string& list) {
  std::vector<std::string_view> parts;
  std::string_view rest = list;
  for (size_t comma; (comma = rest.find(',')) != std::string_view::npos;
       rest.remove_prefix(comma + 1))
    parts.push_back(rest.substr(0, comma));
  parts.push_back(rest);
  std::vector<std::string> models;
  for (size_t i = 0; i < parts.size();) {
    const size_t count = count_of_file_parts(std::span(parts).subspan(i));
    std::string name =
        fmt::format("{}", fmt::join(parts.begin() + static_cast<long>(i),
                                    parts.begin() + static_cast<long>(i + count), ","));
    if (!name.empty()) models.push_back(std::move(name));
    i += count;
  }
  return models;
}

bool is_file_name(const std::string& text) {
  if (models::find_model(text)) return false;
  std::error_code ignored;
  return text.find_first_of("./") != std::string::npos || fs::exists(text, ignored);
}

Result<std::vector<std::string>> check_files(const std::vector<std::string>& files) {
  std::vector<std::string> paths;
  for (const std::string& file : files) {
    QB_TRY(std::string path, check_file(file));
    for (const std::string& other : paths)
      if (fs::path(other).lexically_normal() == fs::path(path).lexically_normal())
        return fail(Errc::bad_input, "{}: given twice", file);
    paths.push_back(std::move(path));
  }
  return paths;
}

std::vector<std::string> labels_of(const std::vector<std::string>& absolute_paths) {
  std::vector<std::string> labels;
  for (const std::string& path : absolute_paths) {
    size_t count = 1;
    const auto is_shared = [&](const std::string& other) {
      return other != path && tail_of(other, count) == tail_of(path, count);
    };
    while (std::ranges::any_of(absolute_paths, is_shared)) ++count;
    labels.push_back(tail_of(path, count));
  }
  return labels;
}

Result<Plan> build_file_plan(const std::vector<std::string>& absolute_paths,
                             std::vector<InputSpec> inputs, const Narrowing& narrowing,
                             const spec::Protocol& protocol, int64_t default_thread_count,
                             uint64_t seed) {
  if (!narrowing.schemes.empty())
    return fail(Errc::bad_input, "{}: a model file has its own bits: leave --scheme away",
                absolute_paths.front());
  QB_CHECK(check_axes(narrowing.axes, absolute_paths.front()));
  const std::vector<std::string> devices =
      narrowing.devices.empty() ? std::vector<std::string>{"cpu"} : narrowing.devices;
  const task::Task& task = task::row_of(task_name);
  const std::vector<Workload> workloads = workloads_of(task, narrowing.axes, default_thread_count);
  QB_CHECK(check_devices(devices));
  Plan plan = {.inputs = std::move(inputs)};
  const std::vector<std::string> labels = labels_of(absolute_paths);
  for (size_t i = 0; i < absolute_paths.size(); ++i) {
    QB_TRY(const std::vector<std::string> frameworks, frameworks_of(absolute_paths[i], narrowing));
    for (const std::string& framework : frameworks)
      for (const std::string& device : devices)
        for (const Workload& workload : workloads) {
          PlannedCase& planned = plan.cases.emplace_back();
          planned.subject = {labels[i], std::string(scheme_name), framework, device,
                             workload,  std::string(task.name)};
          planned.quality = absolute_paths.size() > 1;
          planned.file = absolute_paths[i];
        }
  }
  add_launches(plan, protocol, seed);
  return plan;
}

}  // namespace qb::plan
