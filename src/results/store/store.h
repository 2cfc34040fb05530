// The results store: SQLite, written so that a record once reported as saved is never lost.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/record/record.h"
#include "results/store/database.h"

namespace qb::store {

struct StoreOptions {
  int busy_ms = 10'000;  // how long another program may hold the file
};

// One figure of one record, without what it was made of.
struct Figure {
  std::string run_id;
  Case subject;
  std::string metric;
  double value = 0.0;
};

class Store {
 public:
  // Creates the file and its folder when they aren't there. Errors name the file: no database,
  // unreadable, written by a newer qbench, locked, disk full.
  static Result<Store> open(const std::filesystem::path& path, const StoreOptions& options = {});
  // Only to read: the file is not changed, not even when an earlier version wrote it.
  static Result<Store> open_to_read(const std::filesystem::path& path,
                                    const StoreOptions& options = {});

  // Once more is no error. An id that another run has is one: nothing of either is touched.
  Result<void> save_run(const Run& run);
  // The record with its measurements and those of its launches that aren't stored yet, in one
  // transaction that is on disk when this returns. A record's launches only grow, at their end, and
  // don't change: the cost is that of the new ones.
  Result<void> save_record(const Record& record);

  // Newest first. A row that can't be read is there with its `damage`.
  Result<std::vector<Run>> load_runs() const;
  // Errors: no such run, or its row can't be read.
  Result<Run> load_run(std::string_view id) const;
  // Errors: no such record, or a row that can't be read.
  Result<Record> load_record(std::string_view run_id, std::string_view case_id) const;
  // In the order of their positions. Errors: a row that can't be read; it is named.
  Result<std::vector<Record>> load_records(std::string_view run_id) const;
  // Those of these metrics, of all runs' records that are ok: the oldest run first, then in the
  // order of the records' positions. Errors: a row that can't be read.
  Result<std::vector<Figure>> load_figures(const std::vector<std::string>& metrics) const;

 private:
  explicit Store(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace qb::store
