// One prepared SQLite statement, its parameters and columns by their names.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace qb::store {

// The database's own words for its last error, with the file's name.
tl::unexpected<Error> database_error(sqlite3* database);

// "INSERT INTO table (a, b) VALUES (:a, :b)"
std::string insert_sql(std::string_view table, std::initializer_list<std::string_view> columns);

class Statement {
 public:
  static Result<Statement> prepare(sqlite3* database, std::string_view sql);
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  ~Statement();

  // The parameter ":name". A name that the statement doesn't have is an error of run() and step().
  Statement& bind(std::string_view name, std::string_view text);
  Statement& bind(std::string_view name, int64_t value);
  Statement& bind(std::string_view name, std::optional<double> value);  // empty is NULL
  Statement& bind_blob(std::string_view name, std::string_view bytes);

  // True when there is a row; then the columns can be read.
  Result<bool> step();
  // Ready to be bound and stepped anew.
  void rewind();
  // For statements without rows; may be bound and run again.
  Result<void> run();

  std::string text(std::string_view column) const;
  int64_t integer(std::string_view column) const;
  std::optional<double> real(std::string_view column) const;
  std::string_view blob(std::string_view column) const;
  int64_t integer(int column) const;  // of a statement with one

 private:
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  int parameter(std::string_view name);
  // -1, which SQLite reads as NULL, when there is no such column.
  int column(std::string_view name) const;

  sqlite3* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
  std::string unknown_;  // a name that the statement doesn't have
};

}  // namespace qb::store
