// Which of several candidates is the least, measured in rounds: those that surely aren't get no
// more.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace qb::stats {

struct RaceRules {
  double error = 0.2;      // of all decisions together that a candidate is out
  double sameness = 0.02;  // two whose logs differ by less are the same
  size_t rounds_max = 10;
};

// A round measures every open candidate once, in random order. After the second round and each
// later one a candidate is out when some other lies below it by more than c s sqrt(2 / rounds): s²
// is the residual mean square of the table candidates x rounds, since a round's state of the
// machine is shared, and c Student's quantile at error (6 / pi²) / ((rounds - 1)² (candidates -
// 1)), which sums up to `error` over all rounds and pairs. From the fifth round on differences are
// trimmed means, one off either end, two from the tenth, and the bound is 1.08 times as wide.
class Race {
 public:
  explicit Race(size_t candidate_count, const RaceRules& rules = {});

  // Ascending.
  const std::vector<size_t>& open() const { return open_; }
  // One log for each open candidate, in their order; less is better.
  void add_round(std::span<const double> logs);
  // An open candidate can't be measured any more.
  void withdraw(size_t candidate);
  // One is left, or those that are left are surely the same, or there were rounds_max of them.
  bool is_over() const { return is_over_; }
  size_t round_count() const { return round_count_; }
  // The open one with the least mean; the candidates must not all have been withdrawn.
  size_t leader() const;
  // Open ones that can't be told from the leader: the interval of the difference holds 0 and isn't
  // within sameness.
  const std::vector<size_t>& undecided() const { return undecided_; }

 private:
  double difference(size_t a, size_t b) const;  // of their logs, over all rounds
  double bound() const;
  void decide();

  RaceRules rules_;
  size_t candidate_count_;
  size_t round_count_ = 0;
  std::vector<std::vector<double>> logs_;  // by candidate
  std::vector<size_t> open_;
  std::vector<size_t> undecided_;
  bool is_over_ = false;
};

}  // namespace qb::stats
