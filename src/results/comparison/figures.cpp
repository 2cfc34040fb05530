#include "results/comparison/figures.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "results/analysis/cases.h"
#include "results/comparison/differences.h"

namespace qb::comparison {
namespace {

constexpr size_t pairs_min = 3;

std::string why_absent(const Measurement* m) {
  if (!m) return "not measured";
  return m->reason.empty() ? "no figure" : m->reason;
}

std::string problem_of(const Figures& figures, const Pair& pair) {
  if (!figures.before || !figures.before->value) return "before: " + why_absent(figures.before);
  if (!figures.after || !figures.after->value) return "now: " + why_absent(figures.after);
  if (figures.metric->kind != "quality") return {};
  const auto before = analysis::judged_item_count(*pair.before);
  const auto after = analysis::judged_item_count(*pair.after);
  if (before != after)
    return fmt::format("judged on {} {} before, on {} now", before.value_or(0),
                       analysis::item_noun(*pair.after), after.value_or(0));
  return {};
}

std::map<int64_t, double> by_block(const Measurement& m, double sign) {
  std::map<int64_t, double> logs;
  for (size_t i = 0; i < m.launch_values.size(); ++i)
    logs[m.launch_indices[i] % repeat_offset] = sign * std::log(m.launch_values[i]);
  return logs;
}

bool are_alike(const std::vector<double>& values) {
  return std::ranges::all_of(values, [&](double value) { return value == values.front(); });
}

bool are_positive(const std::vector<double>& values) {
  return std::ranges::all_of(values, [](double value) { return value > 0.0; });
}

void add_logs(Figures& figures, bool are_interleaved) {
  const double sign = worse_sign(*figures.metric);
  const auto before = by_block(*figures.before, sign);
  const auto after = by_block(*figures.after, sign);
  if (are_interleaved) {
    for (const auto& [block, log] : after)
      if (const auto other = before.find(block); other != before.end()) {
        figures.before_logs.push_back(other->second);
        figures.after_logs.push_back(log);
      }
    figures.is_paired = figures.before_logs.size() >= pairs_min;
    if (figures.is_paired) return;
    figures.before_logs.clear();
    figures.after_logs.clear();
  }
  for (const auto& [block, log] : before) figures.before_logs.push_back(log);
  for (const auto& [block, log] : after) figures.after_logs.push_back(log);
}

}  // namespace

double worse_sign(const metrics::Metric& metric) {
  return metric.better == metrics::Better::higher ? -1.0 : 1.0;
}

bool depends_on_machine(const metrics::Metric& metric) { return metric.unit != "B"; }

Figures figures_of(const Pair& pair, const metrics::Metric& metric, bool are_interleaved,
                   const Shifts& shifts) {
  Figures figures = {.metric = &metric,
                     .before = find_measurement(*pair.before, metric.name),
                     .after = find_measurement(*pair.after, metric.name)};
  figures.problem = problem_of(figures, pair);
  if (metric.kind == "quality") figures.kind = FigureKind::judged;
  if (!figures.problem.empty() || figures.kind == FigureKind::judged) return figures;
  const std::vector<double>& before = figures.before->launch_values;
  const std::vector<double>& after = figures.after->launch_values;
  const bool are_told = !before.empty() && !after.empty();
  if (!are_told || !are_positive(before) || !are_positive(after)) {
    figures.problem = are_told ? "not every launch has a positive value" : "no launch is told";
    return figures;
  }
  if (!depends_on_machine(metric) && are_alike(before) && are_alike(after)) {
    figures.kind = FigureKind::exact;
    return figures;
  }
  add_logs(figures, are_interleaved);
  if (!depends_on_machine(metric)) return figures;
  const double run = are_interleaved ? 0.0 : std::sqrt(2.0) * shifts.run;
  figures.shift_deviation = std::hypot(run, are_other_builds(pair) ? shifts.build : 0.0);
  return figures;
}

}  // namespace qb::comparison
