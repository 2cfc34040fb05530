// One prepared SQLite statement.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace qb::store {

// The database's own words for its last error, with the file's name.
tl::unexpected<Error> database_error(sqlite3* database);

class Statement {
 public:
  static Result<Statement> prepare(sqlite3* database, const char* sql);
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  ~Statement();

  // Parameters in order, from the first.
  Statement& bind(std::string_view text);
  Statement& bind(int64_t value);
  Statement& bind(std::optional<double> value);  // empty is NULL
  Statement& bind_blob(std::string_view bytes);

  // True when there is a row; then the columns can be read.
  Result<bool> step();
  // Ready to be bound and stepped anew.
  void rewind();
  // For statements without rows; may be bound and run again.
  Result<void> run();

  std::string text(int column) const;
  int64_t integer(int column) const;
  std::optional<double> real(int column) const;
  std::string_view blob(int column) const;

 private:
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  sqlite3* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
  int next_parameter_ = 1;
};

}  // namespace qb::store
