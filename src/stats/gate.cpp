#include "stats/gate.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>

#include "stats/change.h"
#include "stats/discovery.h"
#include "stats/intervals.h"
#include "stats/moderation.h"
#include "stats/ranks.h"

namespace qb::stats {
namespace {

constexpr double least_variance = 1e-6;  // a standard deviation of 0.1 %: clocks and page sizes
constexpr double rank_p_max = 0.011;     // with fewer launches: all that ranks can say
constexpr double clearing_confidence = 0.975;  // two-sided: 0.9875 of the upper bound
constexpr double power_quantile = 0.84;        // of the normal distribution at 0.8
constexpr double launches_max = 1000.0;        // more are none at all

// An estimate with its standard error, once the variances of its kind are known.
struct Known {
  double value = 0.0;
  double launch_variance = 0.0;
  double weight = 1.0;
  double error = 0.0;
  double degrees_of_freedom = 1.0;

  double reach(double confidence) const {
    return t_quantile(degrees_of_freedom, confidence) * error;
  }
  double p_worse() const {
    const boost::math::students_t t(degrees_of_freedom);
    return boost::math::cdf(boost::math::complement(t, value / error));
  }
};

struct Work {
  const GateInput* input = nullptr;
  Estimates estimates;
  Known mean;
  Known trimmed;
  double p = 1.0;
};

size_t launches_of(const GateInput& input) {
  return std::min(input.before.size(), input.after.size());
}

bool is_measured(const GateInput& input) { return launches_of(input) >= gate_launches_min; }

Known known_of(Estimate estimate, const VariancePrior& prior, double shift_deviation) {
  estimate.variance.value = std::max(estimate.variance.value, least_variance);
  const Variance v = moderated(estimate.variance, prior);
  return {estimate.value, v.value, estimate.weight,
          std::sqrt(v.value / estimate.weight + shift_deviation * shift_deviation),
          v.degrees_of_freedom};
}

// Of one estimate of the figures of a kind.
VariancePrior prior_of(const std::vector<Work*>& of_kind, Estimate Estimates::* which) {
  std::vector<Variance> variances;
  for (const Work* work : of_kind) {
    Variance v = (work->estimates.*which).variance;
    v.value = std::max(v.value, least_variance);
    variances.push_back(v);
  }
  return fit_prior(variances);
}

bool ranks_agree(const GateInput& input) {
  RankTest test;
  if (input.is_paired) {
    std::vector<double> differences;
    for (size_t i = 0; i < input.before.size(); ++i)
      differences.push_back(input.after[i] - input.before[i]);
    test = signed_rank_test(differences);
  } else {
    test = rank_sum_test(input.before, input.after);
  }
  return test.p <= std::max(rank_p_max, test.p_smallest * (1.0 + 1e-9));
}

double p_of(const Known& estimate, double tolerance) {
  return estimate.value < tolerance ? 1.0 : estimate.p_worse();
}

// Real noise isn't normal: memory jumps between two values, a machine between two clocks. Few
// launches of one side may then all be on one side by chance, as alike as can be, and no rank of so
// few can say otherwise. So a p of few launches weighs less (weighted as Genovese et al. 2006 do).
double caution(size_t launch_count) {
  return launch_count < 8 ? 10.0 : launch_count < 12 ? 2.0 : 1.0;
}

std::vector<Work> prepare(std::span<const GateInput> inputs) {
  std::vector<Work> works(inputs.size());
  std::map<size_t, std::vector<Work*>> kinds;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const GateInput& input = inputs[i];
    works[i].input = &input;
    if (!is_measured(input)) continue;
    works[i].estimates = input.is_paired ? paired_change(input.before, input.after)
                                         : unpaired_change(input.before, input.after);
    kinds[input.kind].push_back(&works[i]);
  }
  for (const auto& [kind, of_kind] : kinds) {
    const VariancePrior mean_prior = prior_of(of_kind, &Estimates::mean);
    const VariancePrior trimmed_prior = prior_of(of_kind, &Estimates::trimmed);
    for (Work* work : of_kind) {
      const GateInput& input = *work->input;
      work->mean = known_of(work->estimates.mean, mean_prior, input.shift_deviation);
      work->trimmed = known_of(work->estimates.trimmed, trimmed_prior, input.shift_deviation);
      const double p =
          2.0 * std::min(p_of(work->mean, input.tolerance), p_of(work->trimmed, input.tolerance));
      if (p < 1.0 && ranks_agree(input)) work->p = std::min(1.0, p * caution(launches_of(input)));
    }
  }
  return works;
}

// Launches of each side with which the standard error would be that; empty: none.
std::optional<int64_t> launches_for(const Work& work, double error) {
  const GateInput& input = *work.input;
  const double left = error * error - input.shift_deviation * input.shift_deviation;
  if (error <= 0.0 || left <= 0.0) return std::nullopt;
  const double sides = input.is_paired ? 1.0 : 2.0;
  const double count = std::ceil(sides * work.mean.launch_variance / left);
  if (count > launches_max) return std::nullopt;
  const auto here = static_cast<int64_t>(launches_of(input));
  return std::max(static_cast<int64_t>(count), here + 1);
}

// To clear a change that is within the tolerance, or to prove one beyond it. Half of the estimate
// is taken for chance: what isn't cleared yet are mostly those that looked worse than they are.
std::optional<int64_t> launches_needed(const Work& work, double p_needed) {
  const double change = work.mean.value;
  const double tolerance = work.input->tolerance;
  const auto t_at = [&](double p) {
    return t_quantile(work.mean.degrees_of_freedom, 1.0 - 2.0 * p) + power_quantile;
  };
  if (change < tolerance)
    return launches_for(work, (tolerance - std::max(0.0, change) / 2.0) / t_at(0.01));
  return launches_for(work, change / t_at(p_needed));
}

// The figures that are worse: Benjamini and Hochberg over the cases, each by Simes' p; then over
// the figures of those cases, at the level that selected them (Benjamini and Bogomolov 2014).
std::vector<bool> find_worse(const std::vector<Work>& works, double false_alarms) {
  std::map<size_t, std::vector<size_t>> cases;
  for (size_t i = 0; i < works.size(); ++i) cases[works[i].input->case_number].push_back(i);
  std::vector<std::vector<double>> own;
  std::vector<double> of_cases;
  for (const auto& [number, members] : cases) {
    std::vector<double> p_values;
    for (const size_t i : members) p_values.push_back(works[i].p);
    own.push_back(adjusted_for_discovery(p_values));
    of_cases.push_back(std::ranges::min(own.back()));
  }
  const std::vector<double> adjusted = adjusted_for_discovery(of_cases);
  const auto named = std::ranges::count_if(adjusted, [&](double p) { return p <= false_alarms; });
  const double level =
      false_alarms * static_cast<double>(named) / static_cast<double>(of_cases.size());
  std::vector<bool> is_worse(works.size());
  size_t position = 0;
  for (const auto& [number, members] : cases) {
    for (size_t k = 0; k < members.size(); ++k)
      is_worse[members[k]] = adjusted[position] <= false_alarms && own[position][k] <= level;
    ++position;
  }
  return is_worse;
}

GateJudgement judge(const Work& work, bool is_worse, double p_needed) {
  GateJudgement judgement;
  if (!is_measured(*work.input)) {
    judgement.launches_needed = gate_launches_min;
    return judgement;
  }
  const double reach = work.mean.reach(0.95);
  judgement.change = work.mean.value;
  judgement.interval = Interval{work.mean.value - reach, work.mean.value + reach};
  judgement.p = work.p;
  const auto is_below = [&](const Known& k) {
    return k.value + k.reach(clearing_confidence) < work.input->tolerance;
  };
  if (is_worse)
    judgement.answer = GateAnswer::regression;
  else if (is_below(work.mean) || is_below(work.trimmed))
    judgement.answer = GateAnswer::no_regression;
  else
    judgement.launches_needed = launches_needed(work, p_needed);
  return judgement;
}

}  // namespace

std::vector<GateJudgement> judge_gate(std::span<const GateInput> inputs, double false_alarms) {
  if (inputs.empty()) return {};
  const std::vector<Work> works = prepare(inputs);
  const std::vector<bool> is_worse = find_worse(works, false_alarms);
  const double p_needed = false_alarms / static_cast<double>(inputs.size()) / 2.0;
  std::vector<GateJudgement> judgements;
  for (size_t i = 0; i < works.size(); ++i)
    judgements.push_back(judge(works[i], is_worse[i], p_needed));
  return judgements;
}

}  // namespace qb::stats
