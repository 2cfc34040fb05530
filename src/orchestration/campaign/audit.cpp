#include "orchestration/campaign/audit.h"

#include <set>

#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"
#include "stats/stats.h"

namespace qb::campaign {
namespace {

constexpr double same_input_ratio_min = 0.9;

}  // namespace

void audit(Record& record) {
  std::set<std::string> hashes;
  std::vector<double> ratios;
  size_t faster_count = 0;  // launches in which the same input was faster every time
  bool are_equal = true;
  for (const Launch* launch : metrics::counted_launches(record, "speed")) {
    for (const char* name : {"output_hash", "output_hash_after"})
      if (launch->facts[name].is_string()) hashes.insert(launch->facts[name].as_string());
    are_equal = are_equal && launch->facts["timed_answers_are_equal"].as_bool(true);
    if (!launch->facts["same_input_ratio"].is_number() || launch->facts["contention"].is_string())
      continue;
    ratios.push_back(launch->facts["same_input_ratio"].as_double());
    faster_count += launch->facts["same_input_is_faster"].as_bool() ? 1 : 0;
  }
  if (hashes.empty()) return;
  Json result = Json::object({{"answers_are_equal", are_equal && hashes.size() == 1}});
  for (const Launch* launch : metrics::counted_launches(record, "quality"))
    if (const Json& hash = launch->facts["output_hash"]; hash.is_string())
      result.set("quality_answers_alike", hashes.contains(hash.as_string()));
  if (!ratios.empty()) {
    const double ratio = stats::median(ratios);
    result.set("same_input_ratio", ratio)
        .set("may_keep_answers", ratio < same_input_ratio_min && 2 * faster_count > ratios.size());
  }
  record.manifest.set("audit", std::move(result));
}

}  // namespace qb::campaign
