#include "results/analysis/drift.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"

namespace qb::analysis {
namespace {

constexpr double change_min = 0.02;  // that a reader is told of

struct TimedLaunch {
  int64_t started_at_ms = 0;
  stats::CaseValue value;
};

// What each launch's work took, in any unit, and when.
void add_launches(const Record& record, size_t number, std::vector<TimedLaunch>& launches) {
  const Measurement speed = metrics::speed_of(record);
  const metrics::Metric* metric = metrics::find_metric(speed.name);
  for (size_t i = 0; i < speed.launch_values.size(); ++i) {
    const double value = speed.launch_values[i];
    const auto launch = std::ranges::find_if(record.launches, [&](const Launch& candidate) {
      return candidate.kind == "speed" && candidate.index == speed.launch_indices[i];
    });
    if (launch == record.launches.end() || !launch->facts["started_at_ms"].is_int() || value <= 0.0)
      continue;
    const double took = metric->better == metrics::Better::higher ? 1.0 / value : value;
    launches.push_back({launch->facts["started_at_ms"].as_int(), {number, took}});
  }
}

}  // namespace

std::vector<DeviceDrift> find_drifts(const std::vector<Record>& records) {
  std::map<std::string, std::vector<TimedLaunch>> by_device;
  for (size_t i = 0; i < records.size(); ++i)
    if (records[i].outcome == Outcome::ok || records[i].outcome == Outcome::unstable)
      add_launches(records[i], i, by_device[records[i].subject.device]);
  std::vector<DeviceDrift> drifts;
  for (auto& [device, launches] : by_device) {
    std::ranges::sort(launches, {}, [](const TimedLaunch& launch) {
      return std::pair(launch.started_at_ms, launch.value.number);
    });
    std::vector<stats::CaseValue> values;
    std::set<size_t> cases;
    for (const TimedLaunch& launch : launches) {
      values.push_back(launch.value);
      cases.insert(launch.value.number);
    }
    if (const auto drift = stats::find_drift(values))
      drifts.push_back({device, *drift, static_cast<int64_t>(values.size()),
                        static_cast<int64_t>(cases.size())});
  }
  return drifts;
}

Json to_json(const DeviceDrift& drift) {
  return Json::object({{"device", drift.device},
                       {"slowdown", drift.slowdown.change},
                       {"low", drift.slowdown.interval.low},
                       {"high", drift.slowdown.interval.high},
                       {"launch_count", drift.launch_count},
                       {"case_count", drift.case_count}});
}

std::string drift_text(const Json& drift) {
  if (!drift["slowdown"].is_number()) return {};
  const double change = drift["slowdown"].as_double();
  const double low = drift["low"].as_double();
  const double high = drift["high"].as_double();
  if ((low <= 0.0 && high >= 0.0) || std::abs(change) < change_min) return {};
  return fmt::format(
      "{} took {:.0f} % {} at the end of the run than at its begin (95 % interval {:+.0f} to "
      "{:+.0f} "
      "%, by {} launches of {} case{}): figures of cases measured late are affected, ratios within "
      "a block are not",
      drift["device"].as_string(), std::abs(change) * 100.0, change > 0.0 ? "longer" : "less time",
      low * 100.0, high * 100.0, drift["launch_count"].as_int(), drift["case_count"].as_int(),
      drift["case_count"].as_int() == 1 ? "" : "s");
}

}  // namespace qb::analysis
