#include "cli/sides.h"

#include <algorithm>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/nearest.h"
#include "results/comparison/baseline.h"
#include "results/metrics/metrics.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

Result<const Run*> find_run(const std::vector<Run>& runs, const std::string& wanted,
                            const fs::path& store) {
  if (runs.empty()) return fail(Errc::not_found, "{}: has no run", store.string());
  if (wanted.empty() || wanted == newest_run) return &runs.front();
  std::vector<const Run*> matching;
  for (const Run& run : runs) {
    if (run.id == wanted) return &run;
    if (run.id.starts_with(wanted)) matching.push_back(&run);
  }
  if (matching.size() == 1) return matching.front();
  if (matching.empty()) return fail(Errc::not_found, "{}: has no run {}", store.string(), wanted);
  return fail(Errc::bad_input, "{}: {} may be {} or {}: name more of it", store.string(), wanted,
              matching[0]->id, matching[1]->id);
}

bool is_store(const fs::path& path) {
  const Result<MappedFile> file = MappedFile::open(path);
  constexpr std::string_view mark = "SQLite format 3";
  if (!file || file->bytes().size() < mark.size()) return false;
  return std::equal(mark.begin(), mark.end(), file->bytes().begin(),
                    [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

Result<report::Document> load_measured(const fs::path& store, const std::string& run) {
  QB_TRY(report::Document document, load_run(store, run));
  for (Record& record : document.records) record.measurements = metrics::measure(record);
  return document;
}

Result<report::Document> load_baseline(const fs::path& path) {
  QB_TRY(const std::string text, read_file(path));
  return with_context(comparison::parse_baseline(text), path.string());
}

Result<report::Document> load_file(const fs::path& path, const std::string& run) {
  return is_store(path) ? load_measured(path, run) : load_baseline(path);
}

}  // namespace

Result<store::Store> open_store(const fs::path& path) {
  if (!fs::exists(path))
    return fail(Errc::not_found, "{}: there is no store yet; `qbench run` makes one",
                path.string());
  return store::Store::open_to_read(path);
}

Result<std::vector<Run>> load_runs(const fs::path& path) {
  QB_TRY(const store::Store store, open_store(path));
  return store.load_runs();
}

Result<report::Document> load_run(const fs::path& path, const std::string& run) {
  QB_TRY(const store::Store store, open_store(path));
  QB_TRY(const std::vector<Run> runs, store.load_runs());
  QB_TRY(const Run* found, find_run(runs, run, path));
  if (!found->damage.empty()) return fail(Errc::bad_input, "{}: {}", path.string(), found->damage);
  QB_TRY(std::vector<Record> records, with_context(store.load_records(found->id), path.string()));
  return report::Document{*found, std::move(records)};
}

Result<report::Document> load_side(const fs::path& store, const std::string& side) {
  if (side.empty() || side == newest_run) return load_measured(store, {});
  std::error_code error;
  if (fs::is_regular_file(side, error)) return load_file(side, {});
  if (const size_t mark = side.rfind('#'); mark != std::string::npos)
    return load_measured(side.substr(0, mark), side.substr(mark + 1));
  const auto named = baseline_path(store, side);
  if (named && fs::exists(*named, error)) return load_baseline(*named);
  auto run = load_measured(store, side);
  if (!run && run.error().code == Errc::not_found && fs::exists(store, error))
    return fail(Errc::not_found,
                "{}: is no run, no baseline and no file; `qbench list` shows the newest run, "
                "`qbench baseline` the baselines",
                side);
  return run;
}

Result<LoadedSides> load_sides(const fs::path& given_store, const std::vector<std::string>& names,
                               const std::string& against) {
  QB_TRY(const fs::path store, store_path(given_store));
  if (names.empty() && against.empty())
    return fail(Errc::bad_input,
                "say what to compare with: a run, see `qbench list --runs`, or a baseline");
  if (names.size() > 1 && !against.empty())
    return fail(Errc::bad_input, "--against compares within one run, {} are given", names.size());
  LoadedSides loaded;
  QB_TRY(report::Document first, load_side(store, names.empty() ? std::string() : names[0]));
  loaded.before = std::make_shared<const report::Document>(std::move(first));
  loaded.after = loaded.before;
  comparison::Sides& sides = loaded.sides;
  if (against.empty()) {
    QB_TRY(report::Document second, load_side(store, names.size() > 1 ? names[1] : std::string()));
    loaded.after = std::make_shared<const report::Document>(std::move(second));
    sides.pairs = comparison::pair_runs(*loaded.before, *loaded.after);
  } else {
    QB_TRY(sides.pairs, comparison::pair_versions(*loaded.after, against));
  }
  if (sides.pairs.pairs.empty())
    return fail(Errc::bad_input, "run {} and run {} have no case in common", loaded.before->run.id,
                loaded.after->run.id);
  sides.before = comparison::title_of(*loaded.before);
  sides.after = comparison::title_of(*loaded.after);
  if (!against.empty()) {
    sides.before = fmt::format("{} of {}", against, sides.before);
    sides.after = fmt::format("{} of the same run, launches interleaved",
                              sides.pairs.pairs.front().after->subject.framework);
  }
  sides.differences = comparison::find_differences(*loaded.before, *loaded.after, sides.pairs);
  return loaded;
}

Result<fs::path> baseline_path(const fs::path& store, const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (name.empty() || name.starts_with('.') || !std::ranges::all_of(name, is_plain))
    return fail(Errc::bad_input,
                "\"{}\" can't name a baseline: letters, digits, - _ and . can, not first", name);
  fs::path folder = store;
  folder.replace_extension(".baselines");
  return folder / (name + ".json");
}

Result<const metrics::Metric*> find_metric(const std::string& name) {
  if (const metrics::Metric* metric = metrics::find_metric(name)) return metric;
  std::vector<std::string> known;
  for (const metrics::Metric& metric : metrics::metrics()) known.emplace_back(metric.name);
  return fail(Errc::bad_input, "no metric \"{}\"; did you mean \"{}\"? `qbench metrics` lists them",
              name, nearest_of(name, known));
}

}  // namespace qb::cli
