#include "results/store/store.h"

#include <sqlite3.h>

#include "results/store/sample_blob.h"
#include "results/store/statement.h"

namespace qb::store {
namespace {

Result<bool> is_stored(sqlite3* database, const Record& record, const std::string& id,
                       const Launch& launch) {
  QB_TRY(Statement rows,
         Statement::prepare(database,
                            "SELECT 1 FROM launch WHERE run_id = :run_id AND case_id = :case_id "
                            "AND kind = :kind AND launch_index = :launch_index"));
  return rows.bind("run_id", record.run_id)
      .bind("case_id", id)
      .bind("kind", launch.kind)
      .bind("launch_index", launch.index)
      .step();
}

Result<void> insert_launch(sqlite3* database, const Record& record, const std::string& id,
                           const Launch& launch) {
  QB_TRY(Statement insert,
         Statement::prepare(
             database, insert_sql("launch", {"run_id", "case_id", "kind", "launch_index", "outcome",
                                             "reason", "facts", "stderr_tail"})));
  QB_CHECK(insert.bind("run_id", record.run_id)
               .bind("case_id", id)
               .bind("kind", launch.kind)
               .bind("launch_index", launch.index)
               .bind("outcome", name_of(launch.outcome))
               .bind("reason", launch.reason)
               .bind("facts", dump_json(launch.facts))
               .bind("stderr_tail", launch.stderr_tail)
               .run());
  QB_TRY(Statement samples,
         Statement::prepare(
             database, insert_sql("samples", {"run_id", "case_id", "kind", "launch_index", "phase",
                                              "sample_count", "duration_ns"})));
  for (const SampleSeries& series : launch.samples)
    QB_CHECK(samples.bind("run_id", record.run_id)
                 .bind("case_id", id)
                 .bind("kind", launch.kind)
                 .bind("launch_index", launch.index)
                 .bind("phase", series.phase)
                 .bind("sample_count", static_cast<int64_t>(series.duration_ns.size()))
                 .bind_blob("duration_ns", compress(series.duration_ns))
                 .run());
  return {};
}

// Those that come after the last one stored.
Result<void> insert_new_launches(sqlite3* database, const Record& record, const std::string& id) {
  size_t first = record.launches.size();
  for (; first > 0; --first) {
    QB_TRY(const bool is_there, is_stored(database, record, id, record.launches[first - 1]));
    if (is_there) break;
  }
  for (size_t i = first; i < record.launches.size(); ++i)
    QB_CHECK(insert_launch(database, record, id, record.launches[i]));
  return {};
}

Result<void> replace_measurements(sqlite3* database, const Record& record, const std::string& id) {
  QB_TRY(Statement remove,
         Statement::prepare(database,
                            "DELETE FROM measurement WHERE run_id = :run_id AND case_id = "
                            ":case_id"));
  QB_CHECK(remove.bind("run_id", record.run_id).bind("case_id", id).run());
  QB_TRY(Statement insert,
         Statement::prepare(
             database, insert_sql("measurement", {"run_id", "case_id", "name", "position", "value",
                                                  "low", "high", "reason"})));
  int64_t position = 0;
  for (const Measurement& m : record.measurements)
    QB_CHECK(insert.bind("run_id", record.run_id)
                 .bind("case_id", id)
                 .bind("name", m.name)
                 .bind("position", position++)
                 .bind("value", m.value)
                 .bind("low", m.low)
                 .bind("high", m.high)
                 .bind("reason", m.reason)
                 .run());
  return {};
}

Result<void> save_row(sqlite3* database, const Record& record, const std::string& id) {
  static const std::string sql =
      insert_sql("record",
                 {"run_id", "case_id", "position", "model", "scheme", "framework", "device", "task",
                  "workload", "outcome", "reason", "recorded_at", "manifest"}) +
      " ON CONFLICT (run_id, case_id) DO UPDATE SET position = excluded.position, outcome = "
      "excluded.outcome, reason = excluded.reason, recorded_at = excluded.recorded_at, manifest = "
      "excluded.manifest";
  const Case& c = record.subject;
  QB_TRY(Statement insert, Statement::prepare(database, sql));
  return insert.bind("run_id", record.run_id)
      .bind("case_id", id)
      .bind("position", record.position)
      .bind("model", c.model)
      .bind("scheme", c.scheme)
      .bind("framework", c.framework)
      .bind("device", c.device)
      .bind("task", c.task)
      .bind("workload", dump_json(to_json(c.workload)))
      .bind("outcome", name_of(record.outcome))
      .bind("reason", record.reason)
      .bind("recorded_at", record.recorded_at)
      .bind("manifest", dump_json(record.manifest))
      .run();
}

}  // namespace

Result<Store> Store::open(const std::filesystem::path& path, const StoreOptions& options) {
  std::error_code error;
  if (!path.parent_path().empty()) std::filesystem::create_directories(path.parent_path(), error);
  if (error)
    return fail(Errc::io, "{}: its folder can't be made: {}", path.string(), error.message());
  QB_TRY(Database database, open_to_write(path, options.busy_ms));
  return Store(std::move(database));
}

Result<Store> Store::open_to_read(const std::filesystem::path& path, const StoreOptions& options) {
  QB_TRY(Database database, store::open_to_read(path, options.busy_ms));
  return Store(std::move(database));
}

Result<void> Store::save_run(const Run& run) {
  QB_TRY(Transaction transaction, Transaction::begin(database_.get()));
  QB_TRY(Statement insert,
         Statement::prepare(database_.get(),
                            insert_sql("run", {"id", "started_at", "suite_name", "suite_text",
                                               "seed", "host", "options"}) +
                                " ON CONFLICT (id) DO NOTHING"));
  QB_CHECK(insert.bind("id", run.id)
               .bind("started_at", run.started_at)
               .bind("suite_name", run.suite_name)
               .bind("suite_text", run.suite_text)
               .bind("seed", static_cast<int64_t>(run.seed))
               .bind("host", dump_json(run.host))
               .bind("options", dump_json(run.options))
               .run());
  QB_TRY(Statement own, Statement::prepare(database_.get(),
                                           "SELECT 1 FROM run WHERE id = :id AND started_at = "
                                           ":started_at AND seed = :seed AND suite_text = "
                                           ":suite_text"));
  QB_TRY(const bool is_own, own.bind("id", run.id)
                                .bind("started_at", run.started_at)
                                .bind("seed", static_cast<int64_t>(run.seed))
                                .bind("suite_text", run.suite_text)
                                .step());
  if (!is_own)
    return fail(Errc::io, "{}: another run is called {} already; begin again",
                sqlite3_db_filename(database_.get(), "main"), run.id);
  own.rewind();
  return transaction.commit();
}

Result<void> Store::save_record(const Record& record) {
  const std::string id = case_id(record.subject);
  QB_TRY(Transaction transaction, Transaction::begin(database_.get()));
  QB_CHECK(save_row(database_.get(), record, id));
  QB_CHECK(insert_new_launches(database_.get(), record, id));
  QB_CHECK(replace_measurements(database_.get(), record, id));
  return transaction.commit();
}

}  // namespace qb::store
