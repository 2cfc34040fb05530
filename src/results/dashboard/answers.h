// What the dashboard answers: JSON from a store that another qbench may be writing.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "results/dashboard/listing.h"

namespace qb::dashboard {

class Answers {
 public:
  explicit Answers(std::filesystem::path store) : store_(std::move(store)) {}

  // Takes in what was added to the store or changed in its newest runs since the last look. Error:
  // it isn't there or can't be read; the next look begins anew.
  Result<void> refresh();
  // Grows with every change that a look found.
  int64_t revision() const { return revision_; }

  // Errors: not_found, bad_input (a parameter), io (the store isn't there, or is locked).
  // Filters with counts, the runs and records there are.
  Result<Json> overview(const Parameters& wanted) const;
  // A page of records, the newest first, each with its speed and quality.
  Result<Json> records(const Parameters& wanted) const;
  Result<Json> runs(const Parameters& wanted) const;
  // A metric over time: the newest points of the records that fit.
  Result<Json> series(const Parameters& wanted) const;
  // Two runs.
  Result<Json> comparison(const Parameters& wanted) const;
  // One record down to its samples; a run as `report --format json` has it.
  Result<std::string> record(const Parameters& wanted) const;
  Result<std::string> document(const Parameters& wanted) const;

 private:
  Result<void> look();
  bool has_changed();

  std::filesystem::path store_;
  mutable std::shared_mutex mutex_;
  Listing listing_;
  std::string problem_;
  std::string seen_;  // size, time and number of the store's files
  uint64_t file_number_ = 0;
  std::atomic<int64_t> revision_ = 0;
};

}  // namespace qb::dashboard
