#include "results/gate/judge.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace qb::gate {
namespace {

using comparison::FigureKind;
using comparison::Figures;
using comparison::Pair;

// What an unchanged figure must lie within to be cleared, however many launches: the gate's bound.
constexpr double clearing_deviations = 2.24;

bool was_measured(const Record& record) {
  return record.outcome == Outcome::ok || record.outcome == Outcome::unstable;
}

std::string outcome_text(const Record& record) {
  return record.reason.empty() ? std::string(name_of(record.outcome))
                               : fmt::format("{}: {}", name_of(record.outcome), record.reason);
}

// How much worse a value may be than `before`, as a share of it.
double share_of(const Tolerance& tolerance, double before) {
  if (tolerance.is_relative) return tolerance.value;
  return before == 0.0 ? 0.0 : tolerance.value / std::fabs(before);
}

// As a log: for what should be high, a loss of the share.
double log_of(const Tolerance& tolerance, const Figures& figures) {
  const double share = share_of(tolerance, *figures.before->value);
  if (comparison::worse_sign(*figures.metric) > 0.0) return std::log1p(share);
  return -std::log1p(-std::min(share, 0.99));
}

void judge_directly(const Figures& figures, const Tolerance& tolerance, Finding& finding) {
  const double before = *figures.before->value;
  const double after = *figures.after->value;
  const double worse = comparison::worse_sign(*figures.metric) * (after - before);
  const double allowed = share_of(tolerance, before) * std::fabs(before);
  finding.is_difference = figures.kind == FigureKind::judged;
  if (finding.is_difference || before != 0.0)
    finding.change = finding.is_difference ? after - before : after / before;
  finding.answer =
      worse > allowed * (1.0 + 1e-9) ? GateAnswer::regression : GateAnswer::no_regression;
}

// Of quality that isn't there any more.
void explain_absence(const Figures& figures, Finding& finding) {
  finding.reason = figures.problem;
  const std::string failure = quality_failure(*finding.pair.after);
  if (figures.metric->kind != "quality" || failure.empty()) return;
  finding.reason = "quality " + failure;
  finding.answer = GateAnswer::regression;
}

class Judge {
 public:
  Judge(const comparison::Pairs& pairs, const Rules& rules) : pairs_(pairs), rules_(rules) {}

  void add(const Pair& pair) {
    const size_t number = case_count_++;
    if (!was_measured(*pair.before)) {
      judgement_.skipped_count += was_measured(*pair.after) ? 0 : 1;
      return;
    }
    if (!was_measured(*pair.after)) return add_failure(pair);
    for (const Tolerance& tolerance : rules_.tolerances)
      if (const metrics::Metric* metric = metric_of(tolerance, *pair.after))
        add(pair, *metric, tolerance, number);
  }

  void add_missing(const Record& record) {
    if (!was_measured(record)) return;
    judgement_.findings.push_back(
        {.pair = {&record, nullptr},
         .reason = "not measured now; --allow missing passes over such cases"});
  }

  Judgement finish() {
    const auto judged = stats::judge_gate(inputs_, rules_.false_alarms);
    for (size_t i = 0; i < judged.size(); ++i)
      complete(judgement_.findings[finding_of_input_[i]], inputs_[i], judged[i]);
    return std::move(judgement_);
  }

 private:
  void add_failure(const Pair& pair) {
    const bool is_here = pair.after->outcome != Outcome::unavailable;
    judgement_.findings.push_back(
        {.pair = pair,
         .answer = is_here ? GateAnswer::regression : GateAnswer::undecided,
         .reason = outcome_text(*pair.after)});
  }

  void add(const Pair& pair, const metrics::Metric& metric, const Tolerance& tolerance,
           size_t number) {
    Figures figures = comparison::figures_of(pair, metric, pairs_.are_interleaved, rules_.shifts);
    if (!figures.before || !figures.before->value) return;  // nothing to be worse than
    Finding finding = {.pair = pair,
                       .metric = &metric,
                       .before = figures.before,
                       .after = figures.after,
                       .tolerance = tolerance.text()};
    if (!figures.problem.empty()) {
      explain_absence(figures, finding);
    } else if (figures.kind != FigureKind::launches) {
      judge_directly(figures, tolerance, finding);
    } else {
      finding_of_input_.push_back(judgement_.findings.size());
      inputs_.push_back({.case_number = number,
                         .kind = kind_of(metric, figures.is_paired),
                         .before = std::move(figures.before_logs),
                         .after = std::move(figures.after_logs),
                         .is_paired = figures.is_paired,
                         .tolerance = log_of(tolerance, figures),
                         .shift_deviation = figures.shift_deviation});
    }
    judgement_.findings.push_back(std::move(finding));
  }

  size_t kind_of(const metrics::Metric& metric, bool is_paired) {
    return kinds_.try_emplace({metric.name, is_paired}, kinds_.size()).first->second;
  }

  void complete(Finding& finding, const stats::GateInput& input,
                const stats::GateJudgement& judged) const {
    finding.answer = judged.answer;
    finding.launch_count = std::min(input.before.size(), input.after.size());
    finding.launches_needed = judged.launches_needed;
    if (!judged.interval) {
      finding.change = *finding.after->value / *finding.before->value;
      finding.reason = fmt::format("{} launches, it takes {} of each side at least",
                                   finding.launch_count, stats::gate_launches_min);
      return;
    }
    const double sign = comparison::worse_sign(*finding.metric);
    const double ends[] = {std::exp(sign * judged.interval->low),
                           std::exp(sign * judged.interval->high)};
    finding.change = std::exp(sign * judged.change);
    finding.interval = stats::Interval{std::min(ends[0], ends[1]), std::max(ends[0], ends[1])};
    if (judged.answer != GateAnswer::undecided) return;
    if (judged.launches_needed)
      finding.reason = fmt::format("about {} launches of each side would tell, {} are here",
                                   *judged.launches_needed, finding.launch_count);
    else if (input.shift_deviation > 0.0)
      finding.reason = fmt::format(
          "no number of launches would tell so little between {}: measure both in one run "
          "(--against), or tolerate {:.0f} % or more",
          pairs_.are_interleaved ? "two builds" : "two runs",
          std::ceil(std::expm1(clearing_deviations * input.shift_deviation) * 100.0));
    else
      finding.reason = "more than 1,000 launches of each side would be needed";
  }

  const comparison::Pairs& pairs_;
  const Rules& rules_;
  Judgement judgement_;
  std::vector<stats::GateInput> inputs_;
  std::vector<size_t> finding_of_input_;
  std::map<std::pair<std::string_view, bool>, size_t> kinds_;
  size_t case_count_ = 0;
};

}  // namespace

size_t Judgement::count(GateAnswer answer) const {
  return static_cast<size_t>(std::ranges::count(findings, answer, &Finding::answer));
}

GateAnswer Judgement::answer() const {
  if (count(GateAnswer::regression) > 0) return GateAnswer::regression;
  return count(GateAnswer::undecided) > 0 ? GateAnswer::undecided : GateAnswer::no_regression;
}

Judgement judge(const comparison::Pairs& pairs, const Rules& rules, bool may_miss) {
  Judge judge(pairs, rules);
  for (const Pair& pair : pairs.pairs) judge.add(pair);
  if (!may_miss)
    for (const Record* record : pairs.only_before) judge.add_missing(*record);
  return judge.finish();
}

}  // namespace qb::gate
