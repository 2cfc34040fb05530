#include "results/metrics/launches.h"

#include <algorithm>
#include <map>

#include "results/metrics/metrics.h"
#include "stats/intervals.h"

namespace qb::metrics {

std::string_view speed_metric(const Record& record) { return task_of(record.subject).speed_metric; }

std::vector<const Launch*> counted_launches(const Record& record, std::string_view kind) {
  std::vector<const Launch*> counted;
  for (const Launch& launch : record.launches) {
    if (launch.kind != kind || launch.outcome != Outcome::ok) continue;
    const bool is_repeated = std::ranges::any_of(record.launches, [&](const Launch& other) {
      return other.kind == kind && other.outcome == Outcome::ok &&
             other.index == launch.index + repeat_offset;
    });
    if (!is_repeated) counted.push_back(&launch);
  }
  return counted;
}

Measurement speed_of(const Record& record) {
  const Metric& metric = *find_metric(speed_metric(record));
  Measurement speed = metric.measure(record, metric);
  speed.name = metric.name;
  return speed;
}

namespace {

// The launches' speeds by the block they ran in.
std::map<int64_t, double> speeds_of(const Record& record) {
  const Measurement speed = speed_of(record);
  std::map<int64_t, double> by_block;
  for (size_t i = 0; i < speed.launch_values.size(); ++i)
    by_block[speed.launch_indices[i] % repeat_offset] = speed.launch_values[i];
  return by_block;
}

}  // namespace

std::optional<Ratio> speed_ratio(const Record& record, const Record& base) {
  const Measurement* speed = find_measurement(record, speed_metric(record));
  const Measurement* base_speed = find_measurement(base, speed_metric(base));
  if (!speed || !speed->value || !base_speed || !base_speed->value) return std::nullopt;
  const std::map<int64_t, double> others = speeds_of(base);
  std::vector<double> ratios;
  for (const auto& [block, value] : speeds_of(record))
    if (const auto other = others.find(block); other != others.end())
      ratios.push_back(value / other->second);
  if (ratios.empty()) return Ratio{.value = *speed->value / *base_speed->value};
  return Ratio{.value = stats::geometric_mean(ratios),
               .interval = stats::geometric_mean_interval(ratios),
               .pair_count = static_cast<int64_t>(ratios.size())};
}

}  // namespace qb::metrics
