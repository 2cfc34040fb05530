#include "results/store/statement.h"

#include <fmt/ranges.h>
#include <sqlite3.h>

#include <utility>

namespace qb::store {

tl::unexpected<Error> database_error(sqlite3* database) {
  const char* name = sqlite3_db_filename(database, "main");
  const std::string_view file = name && *name ? name : "the store";
  if (sqlite3_errcode(database) == SQLITE_BUSY)
    return fail(Errc::io, "{}: another program keeps it locked; wait for its end, or use --store",
                file);
  return fail(Errc::io, "{}: {}", file, sqlite3_errmsg(database));
}

std::string insert_sql(std::string_view table, std::initializer_list<std::string_view> columns) {
  return fmt::format("INSERT INTO {} ({}) VALUES (:{})", table, fmt::join(columns, ", "),
                     fmt::join(columns, ", :"));
}

Result<Statement> Statement::prepare(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) !=
      SQLITE_OK)
    return database_error(database);
  return Statement(database, statement);
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      unknown_(std::move(other.unknown_)) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

int Statement::parameter(std::string_view name) {
  const int index = sqlite3_bind_parameter_index(statement_, fmt::format(":{}", name).c_str());
  if (index == 0) unknown_ = name;
  return index;
}

int Statement::column(std::string_view name) const {
  for (int i = 0; i < sqlite3_column_count(statement_); ++i)
    if (sqlite3_column_name(statement_, i) == name) return i;
  return -1;
}

Statement& Statement::bind(std::string_view name, std::string_view text) {
  sqlite3_bind_text(statement_, parameter(name), text.data() ? text.data() : "",
                    static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::bind(std::string_view name, int64_t value) {
  sqlite3_bind_int64(statement_, parameter(name), value);
  return *this;
}
Statement& Statement::bind(std::string_view name, std::optional<double> value) {
  if (value)
    sqlite3_bind_double(statement_, parameter(name), *value);
  else
    sqlite3_bind_null(statement_, parameter(name));
  return *this;
}
Statement& Statement::bind_blob(std::string_view name, std::string_view bytes) {
  sqlite3_bind_blob(statement_, parameter(name), bytes.data(), static_cast<int>(bytes.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::step() {
  if (!unknown_.empty())
    return fail(Errc::io, "no parameter \"{}\" in: {}", unknown_, sqlite3_sql(statement_));
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

void Statement::rewind() { sqlite3_reset(statement_); }

std::string Statement::text(std::string_view name) const {
  const int index = column(name);
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, index));
  return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, index)))
               : std::string();
}
int64_t Statement::integer(std::string_view name) const { return integer(column(name)); }
int64_t Statement::integer(int index) const { return sqlite3_column_int64(statement_, index); }
std::optional<double> Statement::real(std::string_view name) const {
  const int index = column(name);
  if (sqlite3_column_type(statement_, index) == SQLITE_NULL) return std::nullopt;
  return sqlite3_column_double(statement_, index);
}
std::string_view Statement::blob(std::string_view name) const {
  const int index = column(name);
  return {static_cast<const char*>(sqlite3_column_blob(statement_, index)),
          static_cast<size_t>(sqlite3_column_bytes(statement_, index))};
}

}  // namespace qb::store
