#include "stats/drift.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "stats/intervals.h"

namespace qb::stats {
namespace {

constexpr size_t stretch_count_max = 8;
constexpr double far_deviations = 4.0;
constexpr double deviation_of_mad = 1.4826;  // of normal values

// The positions of each case's values.
using Positions = std::map<size_t, std::vector<size_t>>;

Positions positions_of(std::span<const CaseValue> values) {
  Positions positions;
  for (size_t i = 0; i < values.size(); ++i) positions[values[i].number].push_back(i);
  std::erase_if(positions, [](const auto& entry) { return entry.second.size() < 2; });
  return positions;
}

// Less the case's own median, or mean.
template <typename Centre>
void centre(const Positions& positions, std::vector<double>& series, Centre&& centre_of) {
  for (const auto& [number, own] : positions) {
    std::vector<double> some;
    for (const size_t i : own) some.push_back(series[i]);
    const double middle = centre_of(some);
    for (const size_t i : own) series[i] -= middle;
  }
}

void draw_in(std::vector<double>& series) {
  std::vector<double> sizes;
  for (const double value : series) sizes.push_back(std::abs(value));
  const double far = far_deviations * deviation_of_mad * median(sizes);
  if (far <= 0.0) return;
  for (double& value : series) value = std::clamp(value, -far, far);
}

std::vector<double> stretch_means(std::span<const double> series, size_t count) {
  std::vector<double> means;
  for (size_t i = 0; i < count; ++i) {
    const size_t first = i * series.size() / count;
    means.push_back(mean(series.subspan(first, (i + 1) * series.size() / count - first)));
  }
  const double middle = mean(means);
  for (double& value : means) value -= middle;
  return means;
}

double product(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::optional<Drift> fit(std::span<const double> moments, std::span<const double> logs) {
  const double spread = product(moments, moments);
  if (spread <= 0.0) return std::nullopt;
  const double slope = product(moments, logs) / spread;
  double squares = 0.0;
  for (size_t i = 0; i < logs.size(); ++i) squares += std::pow(logs[i] - slope * moments[i], 2);
  if (squares <= 0.0) return std::nullopt;
  const auto freedom = static_cast<double>(logs.size() - 2);
  const double half = t_quantile(freedom) * std::sqrt(squares / freedom / spread);
  return Drift{std::expm1(slope), {std::expm1(slope - half), std::expm1(slope + half)}};
}

}  // namespace

std::optional<Drift> find_drift(std::span<const CaseValue> values) {
  std::vector<CaseValue> kept;
  const Positions all = positions_of(values);
  for (const CaseValue& value : values)
    if (all.contains(value.number)) kept.push_back(value);
  if (all.empty() || kept.size() / all.size() < drift_values_min) return std::nullopt;
  const Positions positions = positions_of(kept);
  std::vector<double> moments;
  std::vector<double> logs;
  for (size_t i = 0; i < kept.size(); ++i) {
    moments.push_back(static_cast<double>(i) / static_cast<double>(kept.size() - 1));
    logs.push_back(std::log(kept[i].value));
  }
  centre(positions, logs, median);
  draw_in(logs);
  centre(positions, logs, mean);
  centre(positions, moments, mean);
  const size_t count = std::min(stretch_count_max, kept.size() / positions.size());
  return fit(stretch_means(moments, count), stretch_means(logs, count));
}

}  // namespace qb::stats
