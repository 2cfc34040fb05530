#include "results/comparison/pairs.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "measurement/record/frameworks.h"
#include "results/metrics/launches.h"
#include "stats/stats.h"

namespace qb::comparison {
namespace {

const Record* find_case(const std::vector<Record>& records, const Case& subject) {
  const auto found = std::ranges::find(records, subject, &Record::subject);
  return found == records.end() ? nullptr : &*found;
}

std::set<std::string> frameworks_of(const report::Document& run) {
  std::set<std::string> names;
  for (const Record& record : run.records) names.insert(record.subject.framework);
  return names;
}

}  // namespace

Pairs pair_runs(const report::Document& before, const report::Document& after) {
  Pairs pairs = {.are_interleaved = before.run.id == after.run.id};
  for (const Record& record : after.records) {
    if (const Record* other = find_case(before.records, record.subject))
      pairs.pairs.push_back({other, &record});
    else
      pairs.only_after.push_back(&record);
  }
  for (const Record& record : before.records)
    if (!find_case(after.records, record.subject)) pairs.only_before.push_back(&record);
  return pairs;
}

Result<Pairs> pair_versions(const report::Document& run, std::string_view against) {
  const std::set<std::string> names = frameworks_of(run);
  if (!names.contains(std::string(against)))
    return fail(Errc::bad_input, "run {} has no framework \"{}\"; it has {}", run.run.id, against,
                fmt::join(names, ", "));
  std::vector<std::string> others;
  for (const std::string& name : names)
    if (name != against && base_framework(name) == base_framework(against)) others.push_back(name);
  if (others.size() != 1)
    return fail(Errc::bad_input,
                "run {} has {} other versions of {}; it takes one: `qbench run` with two folders "
                "in $QBENCH_WORKERS, or `./qb run --python OLD --python NEW`, measures two",
                run.run.id, others.size(), base_framework(against));
  Pairs pairs = {.are_interleaved = true};
  for (const Record& record : run.records) {
    if (record.subject.framework != others.front()) continue;
    Case old = record.subject;
    old.framework = against;
    if (const Record* other = find_case(run.records, old))
      pairs.pairs.push_back({other, &record});
    else
      pairs.only_after.push_back(&record);
  }
  return pairs;
}

std::optional<CommonChange> common_change(const Pairs& pairs) {
  constexpr size_t cases_min = 4;
  constexpr double of_normal = 1.4826;  // a standard deviation by the median of the distances
  std::vector<double> logs;
  for (const Pair& pair : pairs.pairs) {
    const Measurement* before = find_measurement(*pair.before, metrics::speed_metric(*pair.before));
    const Measurement* after = find_measurement(*pair.after, metrics::speed_metric(*pair.after));
    if (before && after && before->value.value_or(0.0) > 0.0 && after->value.value_or(0.0) > 0.0)
      logs.push_back(std::log(*after->value / *before->value));
  }
  if (logs.size() < cases_min) return std::nullopt;
  const double middle = stats::median(logs);
  std::vector<double> distances;
  for (const double log : logs) distances.push_back(std::fabs(log - middle));
  return CommonChange{std::exp(middle), of_normal * stats::median(distances), logs.size()};
}

}  // namespace qb::comparison
