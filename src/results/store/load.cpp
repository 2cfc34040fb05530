// Reading what store.cpp wrote. A row that can't be read is said, never taken for an empty one.
#include "results/store/sample_blob.h"
#include "results/store/statement.h"
#include "results/store/store.h"

namespace qb::store {
namespace {

Result<Json> read_json(const Statement& row, std::string_view column) {
  return with_context(parse_json(row.text(column)), column);
}

Result<Case> read_case(const Statement& row) {
  Case subject = {.model = row.text("model"),
                  .scheme = row.text("scheme"),
                  .framework = row.text("framework"),
                  .device = row.text("device"),
                  .task = row.text("task")};
  QB_TRY(const Json workload, read_json(row, "workload"));
  QB_TRY(subject.workload, with_context(workload_from_json(workload), "workload"));
  return subject;
}

Result<Record> read_record(const Statement& row) {
  Record record;
  record.run_id = row.text("run_id");
  record.position = row.integer("position");
  QB_TRY(record.subject, read_case(row));
  QB_TRY(record.outcome, parse_outcome(row.text("outcome")));
  record.reason = row.text("reason");
  record.recorded_at = row.text("recorded_at");
  QB_TRY(record.manifest, read_json(row, "manifest"));
  return record;
}

Result<Launch> read_launch(const Statement& row) {
  Launch launch = {.index = row.integer("launch_index"),
                   .kind = row.text("kind"),
                   .reason = row.text("reason"),
                   .stderr_tail = row.text("stderr_tail")};
  QB_TRY(launch.outcome, parse_outcome(row.text("outcome")));
  QB_TRY(launch.facts, read_json(row, "facts"));
  return launch;
}

Result<void> load_samples(Statement& samples, const Record& record, const std::string& id,
                          Launch& launch) {
  samples.bind("run_id", record.run_id)
      .bind("case_id", id)
      .bind("kind", launch.kind)
      .bind("launch_index", launch.index);
  while (true) {
    QB_TRY(const bool has_row, samples.step());
    if (!has_row) break;
    QB_TRY(std::vector<int64_t> values,
           with_context(decompress(samples.blob("duration_ns"), samples.integer("sample_count")),
                        samples.text("phase")));
    launch.samples.push_back({samples.text("phase"), std::move(values)});
  }
  samples.rewind();
  return {};
}

Result<void> load_launches(sqlite3* database, const std::string& id, Record& record) {
  QB_TRY(Statement launches,
         Statement::prepare(database,
                            "SELECT * FROM launch WHERE run_id = :run_id AND case_id = :case_id "
                            "ORDER BY rowid"));
  launches.bind("run_id", record.run_id).bind("case_id", id);
  while (true) {
    QB_TRY(const bool has_row, launches.step());
    if (!has_row) break;
    const std::string name =
        fmt::format("{} launch {}", launches.text("kind"), launches.integer("launch_index"));
    QB_TRY(Launch launch, with_context(read_launch(launches), name));
    record.launches.push_back(std::move(launch));
  }
  QB_TRY(Statement samples,
         Statement::prepare(database,
                            "SELECT * FROM samples WHERE run_id = :run_id AND case_id = :case_id "
                            "AND kind = :kind AND launch_index = :launch_index ORDER BY rowid"));
  for (Launch& launch : record.launches)
    QB_CHECK(with_context(load_samples(samples, record, id, launch),
                          fmt::format("{} launch {}", launch.kind, launch.index)));
  return {};
}

Result<void> load_measurements(sqlite3* database, const std::string& id, Record& record) {
  QB_TRY(Statement rows,
         Statement::prepare(database,
                            "SELECT * FROM measurement WHERE run_id = :run_id AND case_id = "
                            ":case_id ORDER BY position"));
  rows.bind("run_id", record.run_id).bind("case_id", id);
  while (true) {
    QB_TRY(const bool has_row, rows.step());
    if (!has_row) return {};
    record.measurements.push_back({.name = rows.text("name"),
                                   .value = rows.real("value"),
                                   .low = rows.real("low"),
                                   .high = rows.real("high"),
                                   .reason = rows.text("reason")});
  }
}

Run read_run(const Statement& row) {
  Run run = {.id = row.text("id"),
             .started_at = row.text("started_at"),
             .suite_name = row.text("suite_name"),
             .suite_text = row.text("suite_text"),
             .seed = static_cast<uint64_t>(row.integer("seed"))};
  for (const auto& [column, json] : {std::pair{"host", &run.host}, {"options", &run.options}}) {
    Result<Json> read = read_json(row, column);
    if (read)
      *json = *std::move(read);
    else
      run.damage = fmt::format("run {} is damaged in the store: {}", run.id, read.error().message);
  }
  return run;
}

}  // namespace

Result<std::vector<Run>> Store::load_runs() const {
  QB_TRY(Statement rows, Statement::prepare(database_.get(),
                                            "SELECT * FROM run ORDER BY started_at DESC, rowid "
                                            "DESC"));
  std::vector<Run> runs;
  while (true) {
    QB_TRY(const bool has_row, rows.step());
    if (!has_row) return runs;
    runs.push_back(read_run(rows));
  }
}

Result<Run> Store::load_run(std::string_view id) const {
  QB_TRY(Statement rows, Statement::prepare(database_.get(), "SELECT * FROM run WHERE id = :id"));
  QB_TRY(const bool has_row, rows.bind("id", id).step());
  if (!has_row) return fail(Errc::not_found, "the store has no run {}", id);
  Run run = read_run(rows);
  if (!run.damage.empty()) return fail(Errc::bad_input, "{}", run.damage);
  return run;
}

namespace {

// The record of the row, with its launches and measurements.
Result<Record> load_whole(sqlite3* database, const Statement& row) {
  const std::string id = row.text("case_id");
  const std::string where = fmt::format("run {}, {}: damaged in the store", row.text("run_id"), id);
  QB_TRY(Record record, with_context(read_record(row), where));
  QB_CHECK(with_context(load_launches(database, id, record), where));
  QB_CHECK(with_context(load_measurements(database, id, record), where));
  return record;
}

}  // namespace

Result<Record> Store::load_record(std::string_view run_id, std::string_view case_id) const {
  QB_TRY(Statement rows,
         Statement::prepare(database_.get(),
                            "SELECT * FROM record WHERE run_id = :run_id AND case_id = :case_id"));
  QB_TRY(const bool has_row, rows.bind("run_id", run_id).bind("case_id", case_id).step());
  if (!has_row) return fail(Errc::not_found, "run {} has no record {}", run_id, case_id);
  return load_whole(database_.get(), rows);
}

Result<std::vector<Record>> Store::load_records(std::string_view run_id) const {
  QB_TRY(Statement rows,
         Statement::prepare(database_.get(),
                            "SELECT * FROM record WHERE run_id = :run_id ORDER BY position"));
  rows.bind("run_id", run_id);
  std::vector<Record> records;
  while (true) {
    QB_TRY(const bool has_row, rows.step());
    if (!has_row) return records;
    QB_TRY(Record record, load_whole(database_.get(), rows));
    records.push_back(std::move(record));
  }
}

Result<std::vector<Figure>> Store::load_figures(const std::vector<std::string>& metrics) const {
  QB_TRY(Statement rows,
         Statement::prepare(
             database_.get(),
             "SELECT m.run_id, r.case_id, r.model, r.scheme, r.framework, r.device, r.task, "
             "r.workload, m.name, m.value FROM measurement AS m "
             "JOIN record AS r ON r.run_id = m.run_id AND r.case_id = m.case_id "
             "JOIN run ON run.id = m.run_id "
             "WHERE r.outcome = 'ok' "
             "AND m.name IN (SELECT value FROM json_each(:metrics)) "
             "ORDER BY run.started_at, run.rowid, r.position, m.position"));
  rows.bind("metrics", dump_json(Json::array_of(metrics)));
  std::vector<Figure> figures;
  while (true) {
    QB_TRY(const bool has_row, rows.step());
    if (!has_row) return figures;
    const std::optional<double> value = rows.real("value");
    if (!value) continue;
    Figure figure = {.run_id = rows.text("run_id"), .metric = rows.text("name"), .value = *value};
    QB_TRY(figure.subject,
           with_context(read_case(rows), fmt::format("run {}, {}: damaged in the store",
                                                     figure.run_id, rows.text("case_id"))));
    figures.push_back(std::move(figure));
  }
}

}  // namespace qb::store
