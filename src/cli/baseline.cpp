// `qbench baseline`, `baseline set` and `baseline export`.
#include "results/comparison/baseline.h"

#include <algorithm>
#include <cstdio>

#include "base/file.h"
#include "base/output.h"
#include "cli/commands.h"
#include "cli/sides.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

Result<void> list(const BaselineOptions& options) {
  QB_TRY(const fs::path store, store_path(options.store));
  QB_TRY(const fs::path any, baseline_path(store, "any"));
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(any.parent_path(), error))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::ranges::sort(files);
  Json::Array json;
  for (const fs::path& file : files) {
    const Result<report::Document> document = load_side(store, file.string());
    const std::string title = document ? comparison::title_of(*document) : document.error().message;
    if (!options.json) std::printf("%s: %s\n", file.stem().c_str(), title.c_str());
    json.push_back(
        Json::object({{"name", file.stem().string()}, {"file", file.string()}, {"title", title}}));
  }
  if (options.json)
    std::printf("%s\n", dump_json(json, 1).c_str());
  else if (files.empty())
    std::printf("no baseline yet; `qbench baseline set NAME` makes one of the newest run\n");
  return {};
}

Result<void> set(const BaselineOptions& options) {
  QB_TRY(const fs::path store, store_path(options.store));
  QB_TRY(const fs::path path, baseline_path(store, options.name));
  QB_TRY(const report::Document document, load_side(store, options.run));
  QB_CHECK(check_output(path));
  QB_CHECK(write_file_atomically(path, comparison::baseline_text(document)));
  std::printf("%s: %s, %zu cases\n", options.name.c_str(), comparison::title_of(document).c_str(),
              document.records.size());
  return {};
}

Result<void> write(const BaselineOptions& options) {
  QB_TRY(const fs::path store, store_path(options.store));
  QB_TRY(const fs::path path, baseline_path(store, options.name));
  std::error_code error;
  if (!fs::exists(path, error))
    return fail(Errc::not_found, "no baseline {}; `qbench baseline set {}` makes one", options.name,
                options.name);
  QB_TRY(const std::string text, read_file(path));
  return write_output(options.output, text);
}

int finish(const Result<void>& done) { return done ? exit_ok : refuse(done.error().message); }

}  // namespace

int list_baselines(const BaselineOptions& options) { return finish(list(options)); }

int set_baseline(const BaselineOptions& options) { return finish(set(options)); }

int export_baseline(const BaselineOptions& options) { return finish(write(options)); }

}  // namespace qb::cli
