#include "orchestration/plan/estimate.h"

#include <algorithm>

namespace qb::plan {
namespace {

constexpr int64_t start_ns = 1'000'000'000;    // of a worker, until it can be timed
constexpr int64_t quality_ns = 3'000'000'000;  // of a dataset, before any was measured

}  // namespace

Estimate::Estimate(const Plan& plan, const spec::Protocol& protocol)
    : plan_(&plan), protocol_(protocol), is_ended_(plan.cases.size()) {
  for (std::vector<Known>& known : known_) known.resize(plan.cases.size());
}

std::optional<size_t> Estimate::find_case(const Case& subject) const {
  const auto is_same = [&](const PlannedCase& planned) { return planned.subject == subject; };
  const auto found = std::ranges::find_if(plan_->cases, is_same);
  if (found == plan_->cases.end()) return std::nullopt;
  return static_cast<size_t>(found - plan_->cases.begin());
}

void Estimate::note_launch(const Case& subject, bool is_quality, int64_t took_ns) {
  const auto index = find_case(subject);
  if (!index) return;
  Known& known = known_[is_quality ? 1 : 0][*index];
  known.total_ns += took_ns;
  ++known.count;
}

void Estimate::note_end(const Case& subject) {
  if (const auto index = find_case(subject)) is_ended_[*index] = true;
}

std::optional<int64_t> Estimate::mean_of_model(const std::string& model, bool is_quality) const {
  Known sum;
  for (size_t i = 0; i < plan_->cases.size(); ++i) {
    if (plan_->cases[i].subject.model != model) continue;
    sum.total_ns += known_[is_quality ? 1 : 0][i].total_ns;
    sum.count += known_[is_quality ? 1 : 0][i].count;
  }
  if (sum.count == 0) return std::nullopt;
  return sum.total_ns / sum.count;
}

int64_t Estimate::expected_ns(size_t case_index, bool is_quality) const {
  const Known& known = known_[is_quality ? 1 : 0][case_index];
  if (known.count > 0) return known.total_ns / known.count;
  const Case& subject = plan_->cases[case_index].subject;
  if (const auto mean = mean_of_model(subject.model, is_quality)) return *mean;
  if (is_quality) return start_ns + quality_ns;
  const int64_t rounds = subject.workload.arrivals_per_s() > 0.0 ? 2 : 1;
  return std::max(start_ns + protocol_.warmup_duration_ns_min + rounds * protocol_.duration_ns_min,
                  plan_->cases[case_index].launch_ns);
}

int64_t Estimate::left_ns(size_t number) const {
  int64_t total_ns = 0;
  for (size_t i = number; i < plan_->launches.size(); ++i) {
    const PlannedLaunch& launch = plan_->launches[i];
    const bool is_optional =
        protocol_.half_width > 0.0 &&
        launch.index >= std::max(protocol_.launch_count, spec::half_width_launches_min);
    const bool is_needed = !is_optional || known_[0][launch.case_index].count >= launch.index;
    if (!is_ended_[launch.case_index] && is_needed)
      total_ns += protocol_.cool_down_ns + expected_ns(launch.case_index, launch.is_quality);
  }
  return total_ns;
}

}  // namespace qb::plan
