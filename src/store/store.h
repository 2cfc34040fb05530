// The results store: SQLite, written so that a record once reported as saved is never lost.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "record/record.h"

namespace qb::store {

struct StoreOptions {
  int busy_ms = 10'000;  // how long another program may hold the file
};

class Store {
 public:
  // Creates the file and its folder when they aren't there. Errors name the file: no database,
  // unreadable, written by a newer qbench, locked, disk full.
  static Result<Store> open(const std::filesystem::path& path, const StoreOptions& options = {});
  Store(Store&&) noexcept;
  ~Store();

  Result<void> save_run(const Run& run);
  // The record with its launches and measurements, in one transaction that is on disk when this
  // returns; one of the same run and case is replaced.
  Result<void> save_record(const Record& record);

  // Newest first.
  Result<std::vector<Run>> load_runs() const;
  // In the order of their positions. Error: no such run.
  Result<std::vector<Record>> load_records(std::string_view run_id) const;

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace qb::store
