#include "stats/race.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>

#include "stats/intervals.h"
#include "stats/stats.h"

namespace qb::stats {
namespace {

constexpr double deviation_min = 0.005;  // a machine's launches are never more alike

}  // namespace

Race::Race(size_t candidate_count, const RaceRules& rules)
    : rules_(rules), candidate_count_(candidate_count), logs_(candidate_count) {
  open_.resize(candidate_count);
  std::iota(open_.begin(), open_.end(), size_t{0});
  is_over_ = candidate_count < 2;
}

void Race::add_round(std::span<const double> logs) {
  assert(logs.size() == open_.size());
  for (size_t i = 0; i < open_.size(); ++i) logs_[open_[i]].push_back(logs[i]);
  ++round_count_;
  decide();
}

void Race::withdraw(size_t candidate) {
  std::erase(open_, candidate);
  std::erase(undecided_, candidate);
  if (open_.size() < 2) is_over_ = true;
}

size_t Race::leader() const {
  assert(!open_.empty());
  return *std::ranges::min_element(
      open_, {}, [&](size_t i) { return logs_[i].empty() ? 0.0 : mean(logs_[i]); });
}

double Race::difference(size_t a, size_t b) const {
  std::vector<double> differences;
  for (size_t round = 0; round < round_count_; ++round)
    differences.push_back(logs_[a][round] - logs_[b][round]);
  const size_t cut = round_count_ >= 10 ? 2 : round_count_ >= 5 ? 1 : 0;
  std::ranges::sort(differences);
  return mean(std::span(differences).subspan(cut, round_count_ - 2 * cut));
}

double Race::bound() const {
  const auto rounds = static_cast<double>(round_count_);
  const auto candidates = static_cast<double>(open_.size());
  std::vector<double> of_round(round_count_, 0.0);
  for (const size_t i : open_)
    for (size_t round = 0; round < round_count_; ++round)
      of_round[round] += logs_[i][round] / candidates;
  const double middle = mean(of_round);
  double squares = 0.0;
  for (const size_t i : open_) {
    const double own = mean(logs_[i]);
    for (size_t round = 0; round < round_count_; ++round)
      squares += std::pow(logs_[i][round] - own - of_round[round] + middle, 2);
  }
  const double degrees = (candidates - 1.0) * (rounds - 1.0);
  const double deviation = std::max(deviation_min, std::sqrt(squares / degrees));
  const double share = rules_.error * 6.0 / (std::numbers::pi * std::numbers::pi) /
                       (std::pow(rounds - 1.0, 2) * static_cast<double>(candidate_count_ - 1));
  const double trimmed = round_count_ >= 5 ? 1.08 : 1.0;
  return trimmed * t_quantile(degrees, 1.0 - 2.0 * share) * deviation * std::sqrt(2.0 / rounds);
}

void Race::decide() {
  if (round_count_ < 2 || open_.size() < 2) return;
  const double reach = bound();
  std::vector<size_t> left;
  for (const size_t i : open_) {
    const bool is_out =
        std::ranges::any_of(open_, [&](size_t j) { return j != i && difference(i, j) > reach; });
    if (!is_out) left.push_back(i);
  }
  open_ = std::move(left);
  undecided_.clear();
  const size_t first = leader();
  for (const size_t i : open_)
    if (i != first && std::abs(difference(i, first)) + reach > rules_.sameness)
      undecided_.push_back(i);
  is_over_ = undecided_.empty() || round_count_ >= rules_.rounds_max;
}

}  // namespace qb::stats
