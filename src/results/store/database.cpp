#include "results/store/database.h"

#include <sqlite3.h>

#include <utility>

#include "results/store/schema.h"
#include "results/store/statement.h"

namespace qb::store {
namespace {

constexpr int64_t schema_version = 4;

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

Result<Database> open(const std::filesystem::path& path, int flags, int busy_ms) {
  sqlite3* opened = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  Database database(opened);
  if (status != SQLITE_OK)
    return fail(Errc::io, "{}: {}", path.string(), sqlite3_errmsg(database.get()));
  sqlite3_busy_timeout(database.get(), busy_ms);
  return database;
}

// The schema's version; refuses what isn't a store, or is one of a later version.
Result<int64_t> read_version(sqlite3* database) {
  QB_TRY(const int64_t version, read_integer(database, "PRAGMA user_version"));
  if (version > schema_version)
    return fail(Errc::bad_input, "{}: written by a newer qbench (schema {}, this one knows {})",
                sqlite3_db_filename(database, "main"), version, schema_version);
  if (version > 0) return version;
  QB_TRY(const int64_t table_count, read_integer(database, "SELECT count(*) FROM sqlite_schema"));
  if (table_count > 0)
    return fail(Errc::bad_input, "{}: a database of something else, not of qbench",
                sqlite3_db_filename(database, "main"));
  return version;
}

// The workload's columns become named values; what the task is was told by them.
constexpr const char* columns_to_workload = R"(
  ALTER TABLE record ADD COLUMN task TEXT NOT NULL DEFAULT '';
  ALTER TABLE record ADD COLUMN workload TEXT NOT NULL DEFAULT '{}';
  UPDATE run SET options = json_set(options, '$.axes', json_object(
    'thread_count', json(coalesce(options -> 'thread_counts', '[]')),
    'batch', json(coalesce(options -> 'batches', '[]')),
    'depth_tokens', json(coalesce(options -> 'depths', '[]'))));
  UPDATE record SET
    task = CASE WHEN scheme = 'as-is' THEN 'own_file'
                WHEN prompt_tokens > 0 THEN 'causal_lm' ELSE 'image_classification' END;
  UPDATE record SET workload = CASE task
    WHEN 'own_file' THEN json_object('batch', batch, 'thread_count', thread_count)
    WHEN 'causal_lm' THEN json_object('batch', batch, 'thread_count', thread_count,
      'prompt_tokens', prompt_tokens, 'generated_tokens', generated_tokens,
      'depth_tokens', depth_tokens, 'arrivals_per_s', arrivals_per_s)
    ELSE json_object('batch', batch, 'thread_count', thread_count,
      'arrivals_per_s', arrivals_per_s) END;
  ALTER TABLE record DROP COLUMN batch;
  ALTER TABLE record DROP COLUMN thread_count;
  ALTER TABLE record DROP COLUMN prompt_tokens;
  ALTER TABLE record DROP COLUMN generated_tokens;
  ALTER TABLE record DROP COLUMN depth_tokens;
  ALTER TABLE record DROP COLUMN arrivals_per_s;
)";

Result<void> migrate(sqlite3* database, int64_t version) {
  if (version == schema_version) return {};
  if (version == 0) QB_CHECK(execute(database, schema_sql()));
  if (version == 1)
    QB_CHECK(execute(database,
                     "ALTER TABLE run ADD COLUMN options TEXT NOT NULL DEFAULT '{}';"
                     "ALTER TABLE record ADD COLUMN depth_tokens INTEGER NOT NULL DEFAULT 0"));
  if (version == 1 || version == 2)
    QB_CHECK(
        execute(database, "ALTER TABLE record ADD COLUMN arrivals_per_s REAL NOT NULL DEFAULT 0"));
  if (version > 0 && version < 4) QB_CHECK(execute(database, columns_to_workload));
  return execute(database, fmt::format("PRAGMA user_version = {}", schema_version).c_str());
}

Result<Database> copy_into_memory(sqlite3* from, int busy_ms) {
  QB_TRY(Database copy, open(":memory:", SQLITE_OPEN_READWRITE, busy_ms));
  sqlite3_backup* backup = sqlite3_backup_init(copy.get(), "main", from, "main");
  if (!backup) return database_error(copy.get());
  sqlite3_backup_step(backup, -1);
  if (sqlite3_backup_finish(backup) != SQLITE_OK) return database_error(copy.get());
  return copy;
}

}  // namespace

void CloseDatabase::operator()(sqlite3* database) const { sqlite3_close(database); }

Result<Transaction> Transaction::begin(sqlite3* database) {
  QB_CHECK(execute(database, "BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  if (database_) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> Transaction::commit() {
  QB_CHECK(execute(database_, "COMMIT"));
  database_ = nullptr;
  return {};
}

Result<Database> open_to_write(const std::filesystem::path& path, int busy_ms) {
  QB_TRY(Database database, open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, busy_ms));
  for (const char* pragma : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
                             "PRAGMA fullfsync = ON", "PRAGMA foreign_keys = ON"})
    QB_CHECK(execute(database.get(), pragma));
  QB_TRY(Transaction transaction, Transaction::begin(database.get()));
  QB_TRY(const int64_t version, read_version(database.get()));
  QB_CHECK(migrate(database.get(), version));
  QB_CHECK(transaction.commit());
  return database;
}

Result<Database> open_to_read(const std::filesystem::path& path, int busy_ms) {
  QB_TRY(Database database, open(path, SQLITE_OPEN_READONLY, busy_ms));
  QB_TRY(const int64_t version, read_version(database.get()));
  if (version == schema_version) return database;
  QB_TRY(Database copy, copy_into_memory(database.get(), busy_ms));
  QB_CHECK(migrate(copy.get(), version));
  return copy;
}

}  // namespace qb::store
