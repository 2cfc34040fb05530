// The store's SQLite file: opened, made or brought up to the schema of this version.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"

struct sqlite3;

namespace qb::store {

struct CloseDatabase {
  void operator()(sqlite3* database) const;
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// To write: WAL with synchronous FULL, so that a committed transaction survives a crash and a power
// cut; an older schema is migrated in the file.
Result<Database> open_to_write(const std::filesystem::path& path, int busy_ms);

// To read: the file isn't changed. An older schema is migrated in a copy in memory.
Result<Database> open_to_read(const std::filesystem::path& path, int busy_ms);

// Rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(sqlite3* database);
  Transaction(Transaction&& other) noexcept;
  Transaction(const Transaction&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(sqlite3* database) : database_(database) {}
  sqlite3* database_;
};

}  // namespace qb::store
