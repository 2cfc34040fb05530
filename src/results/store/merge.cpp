#include "results/store/merge.h"

#include <map>
#include <set>

namespace qb::store {

Result<Merged> merge(Store& target, const Store& source) {
  Merged merged;
  QB_TRY(const std::vector<Run> known_runs, target.load_runs());
  std::set<std::string> known_ids;
  for (const Run& run : known_runs) known_ids.insert(run.id);
  QB_TRY(std::vector<Run> runs, source.load_runs());
  for (size_t i = runs.size(); i-- > 0;) {  // the oldest first, as they came
    const Run& run = runs[i];
    if (!run.damage.empty()) return fail(Errc::bad_input, "{}", run.damage);
    QB_CHECK(target.save_run(run));
    merged.run_count += known_ids.contains(run.id) ? 0 : 1;
    std::map<std::string, size_t> launch_counts;
    if (known_ids.contains(run.id)) {
      QB_TRY(const std::vector<Record> known, target.load_records(run.id));
      for (const Record& record : known)
        launch_counts[case_id(record.subject)] = record.launches.size();
    }
    QB_TRY(const std::vector<Record> records, source.load_records(run.id));
    for (const Record& record : records) {
      const auto known = launch_counts.find(case_id(record.subject));
      if (known != launch_counts.end() && known->second >= record.launches.size()) {
        ++merged.known_record_count;
        continue;
      }
      QB_CHECK(target.save_record(record));
      ++merged.record_count;
    }
  }
  return merged;
}

}  // namespace qb::store
