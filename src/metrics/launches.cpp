#include "metrics/launches.h"

#include <algorithm>
#include <cmath>

#include "metrics/metrics.h"
#include "stats/bootstrap.h"

namespace qb::metrics {

std::string_view speed_metric(const Record& record) {
  if (is_file(record.subject)) return "inferences_per_s";
  return record.subject.workload.prompt_tokens > 0 ? "decode_tokens_per_s" : "pictures_per_s";
}

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

std::optional<double> relative_half_width(const Measurement& m) {
  if (!m.value || !m.low || !m.high || *m.value == 0.0) return std::nullopt;
  return (*m.high - *m.low) / 2.0 / *m.value;
}

std::optional<Ratio> speed_ratio(const Record& record, const Record& base) {
  const auto values_of = [](const Record& of) {
    std::vector<double> values;
    for (const Measurement& m : measure(of))
      if (m.name == speed_metric(of)) values = m.launch_values;
    return values;
  };
  const Measurement* speed = find_measurement(record, speed_metric(record));
  const Measurement* base_speed = find_measurement(base, speed_metric(base));
  if (!speed || !speed->value || !base_speed || !base_speed->value) return std::nullopt;
  Ratio ratio = {.value = *speed->value / *base_speed->value};
  const std::vector<double> own = values_of(record);
  const std::vector<double> others = values_of(base);
  std::vector<double> logs;
  for (size_t i = 0; i < std::min(own.size(), others.size()); ++i)
    logs.push_back(std::log(own[i] / others[i]));
  if (logs.size() < 5) return ratio;
  if (const auto interval = stats::bca_interval(logs, stats::mean))
    ratio.interval = stats::Interval{std::exp(interval->low), std::exp(interval->high)};
  return ratio;
}

}  // namespace qb::metrics
