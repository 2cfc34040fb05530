#include "results/dashboard/answers.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/number.h"
#include "results/comparison/compare.h"
#include "results/comparison/tell.h"
#include "results/metrics/metrics.h"
#include "results/report/report.h"
#include "results/store/store.h"
#include "task/task.h"

namespace qb::dashboard {
namespace {

constexpr int busy_ms = 2'000;
constexpr int64_t page_size = 100;
constexpr size_t point_count_max = 500;
constexpr size_t live_run_count = 3;  // records of the newest runs may still change

Result<std::string> required(const Parameters& wanted, const std::string& name) {
  const auto found = wanted.find(name);
  if (found == wanted.end() || found->second.empty())
    return fail(Errc::bad_input, "{} is missing", name);
  return found->second;
}

Result<int64_t> page_of(const Parameters& wanted) {
  const auto found = wanted.find("page");
  if (found == wanted.end()) return 0;
  const auto page = parse_number<int64_t>(found->second);
  if (!page || *page < 0 || *page > 1'000'000'000)
    return fail(Errc::bad_input, "page: \"{}\" is no page", found->second);
  return *page;
}

Result<store::Store> open_store(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return fail(Errc::io, "{}: isn't there any more", path.string());
  return store::Store::open_to_read(path, {.busy_ms = busy_ms});
}

Json figure_json(std::string_view name, const std::optional<store::FigureLine>& figure) {
  const metrics::Metric* metric = metrics::find_metric(name);
  const auto value = [](const std::optional<double>& v) { return v ? Json(*v) : Json(); };
  return Json::object({{"name", name},
                       {"unit", metric ? metric->unit : ""},
                       {"value", figure ? value(figure->value) : Json()},
                       {"low", figure ? value(figure->low) : Json()},
                       {"high", figure ? value(figure->high) : Json()}});
}

store::FigureKey key_of(const Listing& listing, const Listing::Line& line,
                        std::string_view metric) {
  return {listing.runs()[line.run].stored.id, listing.name(line.case_id), metric};
}

Json line_json(const Listing& listing, const Listing::Line& line) {
  const store::RunLine& run = listing.runs()[line.run].stored;
  Json json = Json::object({{"run", run.id},
                            {"started_at", run.started_at},
                            {"case", listing.name(line.case_id)},
                            {"recorded_at", line.recorded_at}});
  for (size_t column = 0; column < column_count; ++column)
    json.set(column_names[column], listing.name(line.values[column]));
  return json;
}

Json run_json(const Listing& listing, const Listing::RunLine& run) {
  std::vector<std::string> versions;
  for (const uint32_t id : run.versions) versions.push_back(listing.name(id));
  return Json::object({{"run", run.stored.id},
                       {"started_at", run.stored.started_at},
                       {"suite", run.stored.suite_name},
                       {"machine", run.stored.machine},
                       {"versions", Json::array_of(versions)},
                       {"record_count", run.record_count}});
}

// Which file it is, and what of it changes when something is written.
std::string file_state(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return "-";
  const auto time = std::filesystem::last_write_time(path, error);
  return fmt::format("{}:{}", size, time.time_since_epoch().count());
}

uint64_t number_of(const std::filesystem::path& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// As compare wants it: with the values of each launch.
Result<report::Document> measured_document(const store::Store& store, const std::string& id) {
  QB_TRY(Run run, store.load_run(id));
  QB_TRY(std::vector<Record> records, store.load_records(id));
  for (Record& record : records) record.measurements = metrics::measure(record);
  return report::Document{std::move(run), std::move(records)};
}

std::string value_of(const Parameters& wanted, const std::string& name,
                     std::string_view otherwise) {
  const auto found = wanted.find(name);
  return found == wanted.end() || found->second.empty() ? std::string(otherwise) : found->second;
}

}  // namespace

bool Answers::has_changed() {
  std::filesystem::path log = store_;
  log += "-wal";
  std::string state = file_state(store_) + " " + file_state(log);
  if (state == seen_) return false;
  seen_ = std::move(state);
  return true;
}

Result<void> Answers::look() {
  std::error_code error;
  if (!std::filesystem::exists(store_, error))
    return fail(Errc::io, "{}: isn't there any more", store_.string());
  if (const uint64_t number = number_of(store_); number != file_number_) {  // another file
    const std::unique_lock lock(mutex_);
    listing_ = Listing();
    file_number_ = number;
  }
  QB_TRY(const store::Catalogue catalogue, store::Catalogue::open(store_, busy_ms));
  // Read first, then taken in at once: whoever asks meanwhile isn't kept waiting.
  std::vector<store::RunLine> runs;
  std::vector<store::RecordLine> records;
  const auto take = [&](store::RecordLine line) { records.push_back(std::move(line)); };
  QB_CHECK(catalogue.each_run(listing_.last_run_row(),
                              [&](store::RunLine run) { runs.push_back(std::move(run)); }));
  for (size_t i = listing_.runs().size(), n = 0; i-- > 0 && n < live_run_count; ++n)
    QB_CHECK(catalogue.each_record_of(listing_.runs()[i].stored.id, take));
  QB_CHECK(catalogue.each_record(listing_.last_row(), take));
  const std::unique_lock lock(mutex_);
  for (store::RunLine& run : runs) listing_.add(std::move(run));
  for (const store::RecordLine& record : records) listing_.add(record);
  return {};
}

Result<void> Answers::refresh() {
  if (!has_changed()) return {};
  const Result<void> looked = look();
  const std::unique_lock lock(mutex_);
  problem_ = looked ? "" : looked.error().message;
  if (!looked) seen_.clear();
  ++revision_;
  return looked;
}

Result<Json> Answers::overview(const Parameters& wanted) const {
  const std::shared_lock lock(mutex_);
  if (!problem_.empty()) return fail(Errc::io, "{}", problem_);
  const auto& runs = listing_.runs();
  return Json::object({{"store", store_.filename().string()},
                       {"revision", revision()},
                       {"run_count", static_cast<int64_t>(runs.size())},
                       {"record_count", static_cast<int64_t>(listing_.lines().size())},
                       {"newest_run", runs.empty() ? Json() : run_json(listing_, runs.back())},
                       {"facets", listing_.facets(wanted)},
                       {"metrics", report::metrics_json()}});
}

Result<Json> Answers::records(const Parameters& wanted) const {
  QB_TRY(const int64_t page, page_of(wanted));
  const std::shared_lock lock(mutex_);
  if (!problem_.empty()) return fail(Errc::io, "{}", problem_);
  const auto lines = listing_.find(wanted);
  QB_TRY(const store::Catalogue catalogue, store::Catalogue::open(store_, busy_ms));
  const size_t begin = std::min(static_cast<size_t>(page * page_size), lines.size());
  const auto shown = std::span(lines).subspan(
      begin, std::min(static_cast<size_t>(page_size), lines.size() - begin));
  std::vector<store::FigureKey> keys;
  for (const Listing::Line* line : shown) {
    const task::Task& task = task::row_of(listing_.name(line->task));
    keys.push_back(key_of(listing_, *line, task.speed_metric));
    keys.push_back(key_of(listing_, *line, task.quality_metric));
  }
  QB_TRY(const auto figures, catalogue.find_figures(keys));
  Json::Array items;
  for (size_t i = 0; i < shown.size(); ++i)
    items.push_back(line_json(listing_, *shown[i])
                        .set("speed", figure_json(keys[2 * i].metric, figures[2 * i]))
                        .set("quality", figure_json(keys[2 * i + 1].metric, figures[2 * i + 1])));
  return Json::object({{"count", static_cast<int64_t>(lines.size())},
                       {"page", page},
                       {"page_size", page_size},
                       {"records", std::move(items)}});
}

Result<Json> Answers::runs(const Parameters& wanted) const {
  QB_TRY(const int64_t page, page_of(wanted));
  const std::shared_lock lock(mutex_);
  if (!problem_.empty()) return fail(Errc::io, "{}", problem_);
  const auto& runs = listing_.runs();
  Json::Array items;
  const auto count = static_cast<int64_t>(runs.size());
  for (int64_t i = page * page_size; i < std::min((page + 1) * page_size, count); ++i)
    items.push_back(run_json(listing_, runs[static_cast<size_t>(count - 1 - i)]));
  return Json::object(
      {{"count", count}, {"page", page}, {"page_size", page_size}, {"runs", std::move(items)}});
}

Result<Json> Answers::series(const Parameters& wanted) const {
  const std::string given = value_of(wanted, "metric", "");
  if (!given.empty() && !metrics::find_metric(given))
    return fail(Errc::bad_input, "metric: there is no \"{}\"", given);
  const std::shared_lock lock(mutex_);
  if (!problem_.empty()) return fail(Errc::io, "{}", problem_);
  const auto lines = listing_.find(wanted);
  QB_TRY(const store::Catalogue catalogue, store::Catalogue::open(store_, busy_ms));
  const auto shown = std::span(lines).first(std::min(lines.size(), point_count_max));
  std::vector<store::FigureKey> keys;
  for (const Listing::Line* line : shown)
    keys.push_back(key_of(listing_, *line,
                          given.empty() ? task::row_of(listing_.name(line->task)).speed_metric
                                        : std::string_view(given)));
  QB_TRY(const auto figures, catalogue.find_figures(keys));
  Json::Array points;
  for (size_t i = 0; i < shown.size(); ++i)
    if (figures[i] && figures[i]->value)
      points.push_back(
          line_json(listing_, *shown[i]).set("figure", figure_json(keys[i].metric, figures[i])));
  return Json::object({{"count", static_cast<int64_t>(lines.size())},
                       {"looked_at", static_cast<int64_t>(shown.size())},
                       {"points", std::move(points)}});
}

Result<Json> Answers::comparison(const Parameters& wanted) const {
  QB_TRY(const std::string before_id, required(wanted, "before"));
  QB_TRY(const std::string after_id, required(wanted, "now"));
  QB_TRY(const store::Store store, open_store(store_));
  QB_TRY(const report::Document before, measured_document(store, before_id));
  QB_TRY(const report::Document after, measured_document(store, after_id));
  comparison::Sides sides = {.before = comparison::title_of(before),
                             .after = comparison::title_of(after),
                             .differences = {},
                             .pairs = comparison::pair_runs(before, after)};
  sides.differences = comparison::find_differences(before, after, sides.pairs);
  Json::Array items;
  for (const auto& one : comparison::compare(sides.pairs, {}, {}))
    items.push_back(to_json(one).set("change", comparison::change_text(one)));
  return comparison::to_json(sides).set("comparisons", std::move(items));
}

Result<std::string> Answers::record(const Parameters& wanted) const {
  QB_TRY(const std::string run, required(wanted, "run"));
  QB_TRY(const std::string id, required(wanted, "case"));
  QB_TRY(const store::Store store, open_store(store_));
  QB_TRY(Run found, store.load_run(run));
  QB_TRY(Record record, store.load_record(run, id));
  report::Document document = {std::move(found), {}};
  document.records.push_back(std::move(record));
  return report::render_json(document);
}

Result<std::string> Answers::document(const Parameters& wanted) const {
  QB_TRY(const std::string run, required(wanted, "run"));
  QB_TRY(const store::Store store, open_store(store_));
  QB_TRY(Run found, store.load_run(run));
  QB_TRY(std::vector<Record> records, store.load_records(run));
  return report::render_json({std::move(found), std::move(records)});
}

}  // namespace qb::dashboard
