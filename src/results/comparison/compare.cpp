#include "results/comparison/compare.h"

#include <algorithm>
#include <cmath>

#include "stats/change.h"
#include "stats/chunks.h"
#include "stats/gate.h"
#include "stats/intervals.h"

namespace qb::comparison {
namespace {

// Of the metric's own values: from the log of a change for the worse.
double ratio_of(double worse_log, double sign) { return std::exp(sign * worse_log); }

Answer answer_of(const stats::Interval& worse, double same) {
  if (worse.low >= -same && worse.high <= same) return Answer::same;
  if (worse.low > 0.0) return Answer::worse;
  if (worse.high < 0.0) return Answer::better;
  return Answer::undecided;
}

void compare_launches(Comparison& c) {
  const Figures& f = c.figures;
  const double sign = worse_sign(*f.metric);
  if (std::min(f.before_logs.size(), f.after_logs.size()) < stats::gate_launches_min) {
    c.change = *f.after->value / *f.before->value;
    c.basis = fmt::format("no interval: {} launches before and {} now, it needs {} of each",
                          f.before_logs.size(), f.after_logs.size(), stats::gate_launches_min);
    return;
  }
  const stats::Estimate e = f.is_paired ? stats::paired_change(f.before_logs, f.after_logs).mean
                                        : stats::unpaired_change(f.before_logs, f.after_logs).mean;
  const double error = std::hypot(std::sqrt(e.variance.value / e.weight), f.shift_deviation);
  const double reach = stats::t_quantile(e.variance.degrees_of_freedom) * error;
  const stats::Interval worse = {e.value - reach, e.value + reach};
  c.answer = answer_of(worse, std::log1p(sameness));
  c.change = ratio_of(e.value, sign);
  const double ends[] = {ratio_of(worse.low, sign), ratio_of(worse.high, sign)};
  c.interval = stats::Interval{std::min(ends[0], ends[1]), std::max(ends[0], ends[1])};
  c.basis = f.is_paired
                ? fmt::format("{} pairs of launches of the same block", f.before_logs.size())
                : fmt::format("{} launches before and {} now, not interleaved",
                              f.before_logs.size(), f.after_logs.size());
  if (f.shift_deviation > 0.0)
    c.basis += fmt::format("; {:.1f} % are allowed for what launches don't average out",
                           f.shift_deviation * 100.0);
}

void compare_exact(Comparison& c) {
  const double change = *c.figures.after->value / *c.figures.before->value;
  const double worse = worse_sign(*c.figures.metric) * std::log(change);
  c.change = change;
  c.interval = stats::Interval{change, change};
  c.answer = answer_of({worse, worse}, 0.0);
  c.basis = "every launch has the same figure";
}

// Newcombe (1998) for shares, Zou and Donner (2008) in general: the sides' own intervals make that
// of their difference. Figures of the same items vary together, so it is wide rather than narrow.
std::optional<stats::Interval> difference_interval(double before, const stats::Interval& b,
                                                   double after, const stats::Interval& a) {
  const double change = after - before;
  return stats::Interval{change - std::hypot(after - a.low, b.high - before),
                         change + std::hypot(a.high - after, before - b.low)};
}

std::optional<stats::Interval> interval_of(const Measurement& m) {
  if (!m.low || !m.high) return std::nullopt;
  return stats::Interval{*m.low, *m.high};
}

void compare_judged(Comparison& c) {
  const Measurement& before = *c.figures.before;
  const Measurement& after = *c.figures.after;
  const double sign = worse_sign(*c.figures.metric);
  c.is_difference = c.figures.metric->better == metrics::Better::higher;
  const bool has_ratio = *before.value > 0.0 && *after.value > 0.0;
  if (!c.is_difference && !has_ratio) c.is_difference = true;
  c.change = c.is_difference ? *after.value - *before.value : *after.value / *before.value;
  if (*before.value == *after.value) {
    c.answer = Answer::same;
    c.basis = "the same figure";
    return;
  }
  auto b = interval_of(before);
  auto a = interval_of(after);
  if (!a || !b || (!c.is_difference && (b->low <= 0.0 || a->low <= 0.0))) {
    c.basis = "no interval is made for it";
    return;
  }
  const auto scaled = [&](double value) { return c.is_difference ? value : std::log(value); };
  const auto scaled_interval = [&](const stats::Interval& i) {
    return stats::Interval{scaled(i.low), scaled(i.high)};
  };
  const auto difference = difference_interval(scaled(*before.value), scaled_interval(*b),
                                              scaled(*after.value), scaled_interval(*a));
  const double ends[] = {sign * difference->low, sign * difference->high};
  c.answer = answer_of({std::min(ends[0], ends[1]), std::max(ends[0], ends[1])}, 0.0);
  c.interval = c.is_difference
                   ? *difference
                   : stats::Interval{std::exp(difference->low), std::exp(difference->high)};
  c.basis = "from the intervals of the two figures";
}

bool has_figure(const Measurement* m) { return m && m->value; }

// The table's columns that are metrics.
bool is_in_table(const metrics::Metric& metric, const Record& record) {
  return std::ranges::any_of(task_of(record.subject).columns, [&](const task::Column& column) {
    return column.metric == metric.name;
  });
}

}  // namespace

std::string_view name_of(Answer answer) {
  constexpr std::string_view names[] = {"better", "worse", "same", "undecided"};
  return names[static_cast<size_t>(answer)];
}

std::string_view word_of(Answer answer, const metrics::Metric& metric) {
  if (answer == Answer::same) return "same";
  if (answer == Answer::undecided) return "can't tell";
  const bool is_better = answer == Answer::better;
  if (metric.unit == "ns" || metric.unit.ends_with("/s")) return is_better ? "faster" : "slower";
  if (metric.unit == "B") return is_better ? "smaller" : "larger";
  return is_better ? "better" : "worse";
}

Comparison compare(const Pair& pair, const metrics::Metric& metric, bool are_interleaved,
                   const Shifts& shifts) {
  Comparison c = {.pair = pair, .figures = figures_of(pair, metric, are_interleaved, shifts)};
  if (!c.figures.problem.empty())
    c.basis = c.figures.problem;
  else if (c.figures.kind == FigureKind::launches)
    compare_launches(c);
  else if (c.figures.kind == FigureKind::exact)
    compare_exact(c);
  else
    compare_judged(c);
  return c;
}

std::vector<Comparison> compare(const Pairs& pairs, const std::vector<std::string>& names,
                                const Shifts& shifts) {
  std::vector<Comparison> comparisons;
  for (const Pair& pair : pairs.pairs)
    for (const metrics::Metric& metric : metrics::metrics()) {
      const Record& record = *pair.after;
      const bool is_wanted = names.empty() ? is_in_table(metric, record)
                                           : std::ranges::find(names, metric.name) != names.end();
      if (!is_wanted || metric.better == metrics::Better::neither ||
          !task::applies(metric.name, task_of(record.subject), record.subject.workload))
        continue;
      Comparison c = compare(pair, metric, pairs.are_interleaved, shifts);
      if (has_figure(c.figures.before) || has_figure(c.figures.after))
        comparisons.push_back(std::move(c));
    }
  return comparisons;
}

}  // namespace qb::comparison
