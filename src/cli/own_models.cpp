#include "cli/own_models.h"

#include <algorithm>
#include <filesystem>

#include "base/file_name.h"
#include "base/printable.h"
#include "cli/fetching.h"
#include "cli/hub_rows.h"
#include "cli/prepare.h"
#include "measurement/record/frameworks.h"
#include "network/hub/cache.h"
#include "network/hub/name.h"
#include "network/hub/settings.h"
#include "network/models/models.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// A framework's file, or what would be one: not a name on a hub.
bool has_framework_ending(const std::string& text) {
  return std::ranges::find(file_kind_rows, file_ending(text), &FileKindRow::ending) !=
         std::end(file_kind_rows);
}

// With as many folders before the name as it takes.
std::string label_of(const std::string& source, size_t folder_count) {
  const auto [model, adapter] = models::split_adapter(source);
  std::string label = models::model_name_of(model);
  if (!adapter.empty()) label += "+" + models::model_name_of(adapter);
  fs::path folder = fs::path(model).parent_path();
  for (size_t i = 0; i < folder_count && folder.has_filename(); ++i) {
    label = fmt::format("{}/{}", folder.filename().string(), label);
    folder = folder.parent_path();
  }
  return printable(label);
}

std::string distinct_label(const std::string& source, const std::vector<std::string>& sources) {
  for (size_t count = 0;; ++count) {
    const std::string label = label_of(source, count);
    const bool is_shared = std::ranges::any_of(sources, [&](const std::string& other) {
      return other != source && label_of(other, count) == label;
    });
    if ((!is_shared && !models::find_model(label)) || label == label_of(source, count + 1))
      return label;
  }
}

}  // namespace

Result<fs::path> find_snapshot(const hub::RepositoryName& name) {
  QB_TRY(const hub::Settings settings, hub::settings_of(system_environment()));
  const hub::RepositoryCache cache(settings.cache, name);
  if (const auto commit = cache.find_commit(name.revision)) return cache.snapshot(*commit);
  return fail(Errc::not_found,
              "{0}: neither a path nor in {1}; `qbench fetch {0}` or run --yes "
              "brings it",
              hub::text_of(name), settings.cache.string());
}

bool is_own_model(const std::string& text) {
  if (models::find_model(text) || has_framework_ending(text)) return false;
  std::error_code ignored;
  return fs::is_directory(text, ignored) || file_ending(text) == ".gguf" ||
         (!is_there(text) && std::ranges::count(text, '/') == 1 && hub::parse_name(text));
}

Result<std::string> source_of(const std::string& model) {
  if (const auto row = models::find_model(model))
    return row->repository.empty() ? model : find_weights(*row);
  if (is_there(model)) return fs::absolute(model).lexically_normal().string();
  if (const auto name = hub::parse_name(model); name && file_ending(model) != ".gguf") {
    QB_TRY(const fs::path snapshot, find_snapshot(*name));
    return fs::absolute(snapshot).string();
  }
  if (is_own_model(model) || model.find('/') != std::string::npos)
    return fail(Errc::not_found, "{}: no such file or folder", model);
  return models::find_model(model).map([](const models::Model& row) { return row.name; });
}

Result<std::string> fetched_source_of(const std::string& model, const RunOptions& options) {
  const auto name = hub::parse_name(model);
  const bool is_on_hub = name && !is_there(model) && file_ending(model) != ".gguf";
  const bool may_fetch = !options.plan_only && (options.yes || can_ask());
  if (!is_on_hub || !may_fetch || find_snapshot(*name)) return source_of(model);
  QB_TRY(const hub::Plan plan, fetch({.name = model, .yes = options.yes, .quiet = options.quiet}));
  return fs::absolute(plan.folder).string();
}

Result<void> put_adapter(const std::string& adapter, std::vector<std::string>& names,
                         std::vector<std::string>& sources) {
  if (adapter.empty()) return {};
  if (names.empty() && sources.empty())
    return fail(Errc::bad_input, "--adapter {}: give the model that it is for with --model",
                adapter);
  std::error_code ignored;
  if (!fs::is_directory(adapter, ignored))
    return fail(Errc::not_found, "--adapter {}: no such folder", adapter);
  const std::string folder = fs::absolute(adapter).lexically_normal().string();
  for (std::string& name : names) {
    QB_TRY(const models::Model row, models::find_model(name));
    sources.push_back(row.name);
  }
  names.clear();
  for (std::string& source : sources) {
    std::string both = models::with_adapter(source, folder);
    if (const auto parts = models::split_adapter(both); parts.model != source)
      return fail(Errc::bad_input, "{}: a path with \" + /\" in it takes no adapter", source);
    source = std::move(both);
  }
  return {};
}

Result<std::vector<plan::PlannedModel>> look_at(const std::vector<std::string>& sources,
                                                bool is_quiet) {
  std::vector<plan::PlannedModel> looked;
  for (const std::string& source : sources) {
    if (std::ranges::find(looked, source, &plan::PlannedModel::source) != looked.end())
      return fail(Errc::bad_input, "{}: given twice", source);
    QB_TRY(campaign::PreparationOptions processes, process_options("look"));
    QB_TRY(const Json facts, prepare({.model = source, .only_looks = true}, processes, is_quiet));
    const Json& found = facts["source"];
    QB_TRY(bundle::Outline outline, bundle::outline_from_json(found["outline"]));
    looked.push_back({distinct_label(source, sources), source, found["task"].as_string(),
                      found["context_tokens"].as_int(), found["hash"].as_string(),
                      found["format"].as_string(), std::move(outline)});
  }
  return looked;
}

}  // namespace qb::cli
