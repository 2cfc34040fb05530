#include "store/statement.h"

#include <sqlite3.h>

#include <utility>

namespace qb::store {

tl::unexpected<Error> database_error(sqlite3* database) {
  const char* file = sqlite3_db_filename(database, "main");
  if (sqlite3_errcode(database) == SQLITE_BUSY)
    return fail(Errc::io, "{}: another program keeps it locked; wait for its end, or use --store",
                file ? file : "the store");
  return fail(Errc::io, "{}: {}", file ? file : "the store", sqlite3_errmsg(database));
}

Result<Statement> Statement::prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) != SQLITE_OK)
    return database_error(database);
  return Statement(database, statement);
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      next_parameter_(other.next_parameter_) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(std::string_view text) {
  sqlite3_bind_text(statement_, next_parameter_++, text.data() ? text.data() : "",
                    static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::bind(int64_t value) {
  sqlite3_bind_int64(statement_, next_parameter_++, value);
  return *this;
}
Statement& Statement::bind(std::optional<double> value) {
  if (value)
    sqlite3_bind_double(statement_, next_parameter_++, *value);
  else
    sqlite3_bind_null(statement_, next_parameter_++);
  return *this;
}
Statement& Statement::bind_blob(std::string_view bytes) {
  sqlite3_bind_blob(statement_, next_parameter_++, bytes.data(), static_cast<int>(bytes.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return database_error(database_);
}

Result<void> Statement::run() {
  QB_TRY([[maybe_unused]] const bool has_row, step());
  rewind();
  return {};
}

void Statement::rewind() {
  sqlite3_reset(statement_);
  next_parameter_ = 1;
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)))
               : std::string();
}
int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
std::optional<double> Statement::real(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return sqlite3_column_double(statement_, column);
}
std::string_view Statement::blob(int column) const {
  return {static_cast<const char*>(sqlite3_column_blob(statement_, column)),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace qb::store
