#include "results/store/catalogue.h"

#include "results/store/statement.h"

namespace qb::store {
namespace {

constexpr const char* record_columns =
    "SELECT rowid AS row, run_id, case_id, model, scheme, framework, device, task, outcome, "
    "recorded_at, CASE WHEN json_valid(manifest) THEN manifest ->> '$.framework_version' END AS "
    "framework_version FROM record ";

Result<void> read_records(Statement& rows, const std::function<void(RecordLine)>& take) {
  while (true) {
    QB_TRY(const bool has_row, rows.step());
    if (!has_row) return {};
    take({.row = rows.integer("row"),
          .run_id = rows.text("run_id"),
          .case_id = rows.text("case_id"),
          .model = rows.text("model"),
          .scheme = rows.text("scheme"),
          .framework = rows.text("framework"),
          .device = rows.text("device"),
          .task = rows.text("task"),
          .outcome = rows.text("outcome"),
          .recorded_at = rows.text("recorded_at"),
          .framework_version = rows.text("framework_version")});
  }
}

}  // namespace

Result<Catalogue> Catalogue::open(const std::filesystem::path& path, int busy_ms) {
  QB_TRY(Database database, open_to_read(path, busy_ms));
  return Catalogue(std::move(database));
}

Result<void> Catalogue::each_run(int64_t after_row,
                                 const std::function<void(RunLine)>& take) const {
  QB_TRY(Statement rows,
         Statement::prepare(database_.get(),
                            "SELECT rowid AS row, id, started_at, suite_name, CASE WHEN "
                            "json_valid(host) THEN host ->> '$.cpu' END AS machine FROM run WHERE "
                            "rowid > :after ORDER BY rowid"));
  rows.bind("after", after_row);
  while (true) {
    QB_TRY(const bool has_row, rows.step());
    if (!has_row) return {};
    take({.row = rows.integer("row"),
          .id = rows.text("id"),
          .started_at = rows.text("started_at"),
          .suite_name = rows.text("suite_name"),
          .machine = rows.text("machine")});
  }
}

Result<void> Catalogue::each_record(int64_t after_row,
                                    const std::function<void(RecordLine)>& take) const {
  QB_TRY(Statement rows,
         Statement::prepare(database_.get(),
                            std::string(record_columns) + "WHERE rowid > :after ORDER BY rowid"));
  rows.bind("after", after_row);
  return read_records(rows, take);
}

Result<void> Catalogue::each_record_of(std::string_view run_id,
                                       const std::function<void(RecordLine)>& take) const {
  QB_TRY(Statement rows,
         Statement::prepare(database_.get(),
                            std::string(record_columns) + "WHERE run_id = :run_id ORDER BY rowid"));
  rows.bind("run_id", run_id);
  return read_records(rows, take);
}

Result<std::vector<std::optional<FigureLine>>> Catalogue::find_figures(
    const std::vector<FigureKey>& keys) const {
  QB_TRY(Statement rows,
         Statement::prepare(database_.get(),
                            "SELECT value, low, high FROM measurement WHERE run_id = :run_id AND "
                            "case_id = :case_id AND name = :name"));
  std::vector<std::optional<FigureLine>> figures;
  for (const FigureKey& key : keys) {
    rows.bind("run_id", key.run_id).bind("case_id", key.case_id).bind("name", key.metric);
    QB_TRY(const bool has_row, rows.step());
    figures.emplace_back();
    if (has_row) figures.back() = {rows.real("value"), rows.real("low"), rows.real("high")};
    rows.rewind();
  }
  return figures;
}

}  // namespace qb::store
