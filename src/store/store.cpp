#include "store/store.h"

#include <sqlite3.h>

#include <utility>

#include "store/compress.h"
#include "store/schema.h"
#include "store/statement.h"

namespace qb::store {
namespace {

constexpr int64_t schema_version = 3;

Result<void> execute(sqlite3* database, const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return database_error(database);
  return {};
}

Result<int64_t> read_integer(sqlite3* database, const char* sql) {
  QB_TRY(Statement statement, Statement::prepare(database, sql));
  QB_TRY(const bool has_row, statement.step());
  return has_row ? statement.integer(0) : 0;
}

// Rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(sqlite3* database) {
    QB_CHECK(execute(database, "BEGIN IMMEDIATE"));
    return Transaction(database);
  }
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction(const Transaction&) = delete;
  ~Transaction() {
    if (database_) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Result<void> commit() {
    QB_CHECK(execute(database_, "COMMIT"));
    database_ = nullptr;
    return {};
  }

 private:
  explicit Transaction(sqlite3* database) : database_(database) {}
  sqlite3* database_;
};

// WAL with synchronous FULL: a committed transaction survives a crash and a power cut.
Result<void> prepare_database(sqlite3* database, const StoreOptions& options) {
  sqlite3_busy_timeout(database, options.busy_ms);
  for (const char* pragma : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
                             "PRAGMA fullfsync = ON", "PRAGMA foreign_keys = ON"})
    QB_CHECK(execute(database, pragma));
  QB_TRY(Transaction transaction, Transaction::begin(database));
  QB_TRY(const int64_t version, read_integer(database, "PRAGMA user_version"));
  if (version > schema_version)
    return fail(Errc::bad_input, "{}: written by a newer qbench (schema {}, this one knows {})",
                sqlite3_db_filename(database, "main"), version, schema_version);
  if (version == 0) {
    QB_TRY(const int64_t table_count, read_integer(database, "SELECT count(*) FROM sqlite_schema"));
    if (table_count > 0)
      return fail(Errc::bad_input, "{}: a database of something else, not of qbench",
                  sqlite3_db_filename(database, "main"));
    QB_CHECK(execute(database, schema_sql()));
  }
  if (version == 1)
    QB_CHECK(execute(database,
                     "ALTER TABLE run ADD COLUMN options TEXT NOT NULL DEFAULT '{}';"
                     "ALTER TABLE record ADD COLUMN depth_tokens INTEGER NOT NULL DEFAULT 0"));
  if (version == 1 || version == 2)
    QB_CHECK(
        execute(database, "ALTER TABLE record ADD COLUMN arrivals_per_s REAL NOT NULL DEFAULT 0"));
  if (version < schema_version) QB_CHECK(execute(database, "PRAGMA user_version = 3"));
  return transaction.commit();
}

Result<void> insert_launch(sqlite3* database, const Record& record, const std::string& id,
                           const Launch& launch) {
  QB_TRY(Statement insert,
         Statement::prepare(database, "INSERT INTO launch VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  QB_CHECK(insert.bind(record.run_id)
               .bind(id)
               .bind(launch.kind)
               .bind(launch.index)
               .bind(name_of(launch.outcome))
               .bind(launch.reason)
               .bind(dump_json(launch.facts))
               .bind(launch.stderr_tail)
               .run());
  QB_TRY(Statement samples,
         Statement::prepare(database, "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?)"));
  for (const SampleSeries& series : launch.samples)
    QB_CHECK(samples.bind(record.run_id)
                 .bind(id)
                 .bind(launch.kind)
                 .bind(launch.index)
                 .bind(series.phase)
                 .bind(static_cast<int64_t>(series.duration_ns.size()))
                 .bind_blob(compress(series.duration_ns))
                 .run());
  return {};
}

Result<void> insert_measurements(sqlite3* database, const Record& record, const std::string& id) {
  QB_TRY(Statement insert,
         Statement::prepare(database, "INSERT INTO measurement VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  int64_t position = 0;
  for (const Measurement& m : record.measurements)
    QB_CHECK(insert.bind(record.run_id)
                 .bind(id)
                 .bind(m.name)
                 .bind(position++)
                 .bind(m.value)
                 .bind(m.low)
                 .bind(m.high)
                 .bind(m.reason)
                 .run());
  return {};
}

Record read_record(const Statement& row) {
  Record record = {.run_id = row.text(0)};
  record.subject = {row.text(1),
                    row.text(2),
                    row.text(3),
                    row.text(4),
                    {row.integer(5), row.integer(6), row.integer(7), row.integer(8),
                     row.integer(14), row.real(15).value_or(0.0)}};
  record.outcome = parse_outcome(row.text(9)).value_or(Outcome::failed);
  record.reason = row.text(10);
  record.recorded_at = row.text(11);
  record.manifest = parse_json(row.text(12)).value_or(Json());
  record.position = row.integer(13);
  return record;
}

Result<void> load_launches(sqlite3* database, Record& record) {
  const std::string id = case_id(record.subject);
  QB_TRY(Statement launches,
         Statement::prepare(database,
                            "SELECT kind, launch_index, outcome, reason, facts, stderr_tail FROM "
                            "launch WHERE run_id = ? AND case_id = ? ORDER BY rowid"));
  launches.bind(record.run_id).bind(id);
  while (true) {
    QB_TRY(const bool has_row, launches.step());
    if (!has_row) break;
    record.launches.push_back({.index = launches.integer(1),
                               .kind = launches.text(0),
                               .outcome = parse_outcome(launches.text(2)).value_or(Outcome::failed),
                               .reason = launches.text(3),
                               .facts = parse_json(launches.text(4)).value_or(Json()),
                               .stderr_tail = launches.text(5)});
  }
  QB_TRY(Statement samples,
         Statement::prepare(database,
                            "SELECT phase, sample_count, duration_ns FROM samples WHERE run_id = ? "
                            "AND case_id = ? AND kind = ? AND launch_index = ? ORDER BY rowid"));
  for (Launch& launch : record.launches) {
    samples.bind(record.run_id).bind(id).bind(launch.kind).bind(launch.index);
    while (true) {
      QB_TRY(const bool has_row, samples.step());
      if (!has_row) break;
      QB_TRY(std::vector<int64_t> values, decompress(samples.blob(2), samples.integer(1)));
      launch.samples.push_back({samples.text(0), std::move(values)});
    }
    samples.rewind();
  }
  return {};
}

Result<void> load_measurements(sqlite3* database, Record& record) {
  QB_TRY(Statement rows,
         Statement::prepare(database,
                            "SELECT name, value, low, high, reason FROM measurement WHERE run_id = "
                            "? AND case_id = ? ORDER BY position"));
  rows.bind(record.run_id).bind(case_id(record.subject));
  while (true) {
    QB_TRY(const bool has_row, rows.step());
    if (!has_row) return {};
    record.measurements.push_back(
        {rows.text(0), rows.real(1), rows.real(2), rows.real(3), rows.text(4)});
  }
}

}  // namespace

struct Store::State {
  sqlite3* database = nullptr;
  ~State() { sqlite3_close(database); }
};

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::filesystem::path& path, const StoreOptions& options) {
  std::error_code error;
  if (!path.parent_path().empty()) std::filesystem::create_directories(path.parent_path(), error);
  if (error)
    return fail(Errc::io, "{}: its folder can't be made: {}", path.string(), error.message());
  auto state = std::make_unique<State>();
  if (sqlite3_open(path.c_str(), &state->database) != SQLITE_OK)
    return fail(Errc::io, "{}: {}", path.string(), sqlite3_errmsg(state->database));
  QB_CHECK(prepare_database(state->database, options));
  return Store(std::move(state));
}

Result<void> Store::save_run(const Run& run) {
  QB_TRY(Statement insert,
         Statement::prepare(state_->database,
                            "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?)"));
  return insert.bind(run.id)
      .bind(run.started_at)
      .bind(run.suite_name)
      .bind(run.suite_text)
      .bind(static_cast<int64_t>(run.seed))
      .bind(dump_json(run.host))
      .bind(dump_json(run.options))
      .run();
}

Result<void> Store::save_record(const Record& record) {
  sqlite3* database = state_->database;
  const std::string id = case_id(record.subject);
  const Workload& w = record.subject.workload;
  QB_TRY(Transaction transaction, Transaction::begin(database));
  QB_TRY(Statement remove,
         Statement::prepare(database, "DELETE FROM record WHERE run_id = ? AND case_id = ?"));
  QB_CHECK(remove.bind(record.run_id).bind(id).run());
  QB_TRY(Statement insert,
         Statement::prepare(
             database,
             "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  QB_CHECK(insert.bind(record.run_id)
               .bind(id)
               .bind(record.position)
               .bind(record.subject.model)
               .bind(record.subject.scheme)
               .bind(record.subject.framework)
               .bind(record.subject.device)
               .bind(w.batch)
               .bind(w.thread_count)
               .bind(w.prompt_tokens)
               .bind(w.generated_tokens)
               .bind(name_of(record.outcome))
               .bind(record.reason)
               .bind(record.recorded_at)
               .bind(dump_json(record.manifest))
               .bind(w.depth_tokens)
               .bind(std::optional<double>(w.arrivals_per_s))
               .run());
  for (const Launch& launch : record.launches)
    QB_CHECK(insert_launch(database, record, id, launch));
  QB_CHECK(insert_measurements(database, record, id));
  return transaction.commit();
}

Result<std::vector<Run>> Store::load_runs() const {
  QB_TRY(Statement rows,
         Statement::prepare(state_->database,
                            "SELECT id, started_at, suite_name, suite_text, seed, "
                            "host, options FROM run ORDER BY started_at DESC, rowid DESC"));
  std::vector<Run> runs;
  while (true) {
    QB_TRY(const bool has_row, rows.step());
    if (!has_row) return runs;
    runs.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3),
                    static_cast<uint64_t>(rows.integer(4)),
                    parse_json(rows.text(5)).value_or(Json()),
                    parse_json(rows.text(6)).value_or(Json())});
  }
}

Result<std::vector<Record>> Store::load_records(std::string_view run_id) const {
  QB_TRY(Statement rows,
         Statement::prepare(state_->database,
                            "SELECT run_id, model, scheme, framework, device, batch, thread_count, "
                            "prompt_tokens, generated_tokens, outcome, reason, recorded_at, "
                            "manifest, position, depth_tokens, arrivals_per_s FROM record WHERE "
                            "run_id = ? ORDER BY position"));
  rows.bind(run_id);
  std::vector<Record> records;
  while (true) {
    QB_TRY(const bool has_row, rows.step());
    if (!has_row) break;
    records.push_back(read_record(rows));
  }
  for (Record& record : records) {
    QB_CHECK(load_launches(state_->database, record));
    QB_CHECK(load_measurements(state_->database, record));
  }
  return records;
}

}  // namespace qb::store
