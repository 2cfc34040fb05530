// What a store has, without its samples: a line for each record, read on a connection of its own
// that neither changes the file nor keeps a writer waiting.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "results/store/database.h"

namespace qb::store {

struct RecordLine {
  int64_t row = 0;  // grows with every record that is added
  std::string run_id, case_id, model, scheme, framework, device, task, outcome, recorded_at;
  std::string framework_version;  // "" when its manifest has none
};

struct RunLine {
  int64_t row = 0;
  std::string id, started_at, suite_name;
  std::string machine;  // its processor; "" when the host has none
};

struct FigureLine {
  std::optional<double> value, low, high;
};

struct FigureKey {
  std::string_view run_id, case_id, metric;
};

class Catalogue {
 public:
  static Result<Catalogue> open(const std::filesystem::path& path, int busy_ms);

  // Those behind the given row, in the order in which they were added.
  Result<void> each_run(int64_t after_row, const std::function<void(RunLine)>& take) const;
  Result<void> each_record(int64_t after_row, const std::function<void(RecordLine)>& take) const;
  // Of one run, which may still be going on.
  Result<void> each_record_of(std::string_view run_id,
                              const std::function<void(RecordLine)>& take) const;
  // Of each key in turn; empty where the record hasn't that metric.
  Result<std::vector<std::optional<FigureLine>>> find_figures(
      const std::vector<FigureKey>& keys) const;

 private:
  explicit Catalogue(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace qb::store
