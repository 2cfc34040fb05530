#include "measurement/worker/emission.h"

#include <algorithm>

namespace qb::worker {
namespace fs = std::filesystem;
namespace {

Result<EmitOptions> options_of(const wire::Emission& emission) {
  EmitOptions options = {.target = emission.target};
  for (const auto& [dimension, extent] : emission.extents) {
    QB_TRY(const ir::Symbol symbol, ir::parse_symbol(dimension));
    if (symbol == ir::Symbol::none || extent < 1)
      return fail(Errc::bad_input, "dimension \"{}\" can't be {}", dimension, extent);
    options.extents[symbol].push_back(extent);
  }
  return options;
}

// Names below the folder with their bytes, sorted.
Result<Json> describe_files(const fs::path& folder, Json notes) {
  std::vector<std::pair<std::string, int64_t>> files;
  int64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->is_regular_file()) continue;
    files.emplace_back(entry->path().lexically_relative(folder).string(), entry->file_size());
    bytes += files.back().second;
  }
  if (error) return fail(Errc::io, "{}: cannot read: {}", folder.string(), error.message());
  if (files.empty()) return fail(Errc::framework_failed, "the package has no file");
  std::ranges::sort(files);
  Json::Array list;
  for (const auto& [name, size] : files)
    list.push_back(Json::object({{"name", name}, {"bytes", size}}));
  return Json::object({{"files", std::move(list)}, {"bytes", bytes}, {"notes", std::move(notes)}});
}

}  // namespace

Result<void> emit_package(Engine& engine, const wire::Emission& emission, const wire::Send& send) {
  QB_TRY(const EmitOptions options, options_of(emission));
  send(wire::PhaseStarted{"load"});
  QB_TRY(const std::vector<bundle::NamedBundle> networks, bundle::load_model(emission.bundle));
  std::error_code error;
  fs::create_directories(emission.folder, error);
  if (error) return fail(Errc::io, "{}: cannot create: {}", emission.folder, error.message());
  send(wire::PhaseStarted{"emit"});
  QB_TRY(Json notes, engine.emit(networks, options, emission.folder));
  QB_TRY(Json package, describe_files(emission.folder, std::move(notes)));
  send(wire::Fact{"package", std::move(package)});
  return {};
}

}  // namespace qb::worker
