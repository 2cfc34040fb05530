#include "stats/ranks.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <vector>

namespace qb::stats {
namespace {

// Twice each value's rank, so that mid ranks are whole.
std::vector<size_t> doubled_ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](size_t i) { return values[i]; });
  std::vector<size_t> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (size_t i = first; i < last; ++i) ranks[order[i]] = first + 1 + last;
    first = last;
  }
  return ranks;
}

// Of a distribution over sums: the share at `sum` and above.
double share_from(const std::vector<double>& shares, size_t sum) {
  return std::min(
      1.0, std::accumulate(shares.begin() + static_cast<std::ptrdiff_t>(sum), shares.end(), 0.0));
}

}  // namespace

RankTest signed_rank_test(std::span<const double> differences) {
  assert(differences.size() <= 1000);
  std::vector<double> sizes;
  std::vector<bool> is_above;
  for (const double difference : differences) {
    if (difference == 0.0) continue;
    sizes.push_back(std::fabs(difference));
    is_above.push_back(difference > 0.0);
  }
  const std::vector<size_t> ranks = doubled_ranks(sizes);
  std::vector<double> shares(std::accumulate(ranks.begin(), ranks.end(), size_t{1}));
  shares[0] = 1.0;
  size_t observed = 0;
  for (size_t i = 0; i < ranks.size(); ++i) {  // each rank counts in half of all signs
    for (size_t sum = shares.size(); sum-- > 0;)
      shares[sum] = 0.5 * (shares[sum] + (sum >= ranks[i] ? shares[sum - ranks[i]] : 0.0));
    if (is_above[i]) observed += ranks[i];
  }
  return {share_from(shares, observed), shares.back()};
}

RankTest rank_sum_test(std::span<const double> before, std::span<const double> after) {
  const size_t count = before.size() + after.size();
  assert(count <= 200);
  std::vector<double> all(before.begin(), before.end());
  all.insert(all.end(), after.begin(), after.end());
  const std::vector<size_t> ranks = doubled_ranks(all);
  const size_t total = std::accumulate(ranks.begin(), ranks.end(), size_t{0});
  // shares[k][sum]: of the ways to choose k of the ranks seen so far, those of this sum, times the
  // chance that k are chosen when each choice of `after.size()` is as likely.
  std::vector<std::vector<double>> shares(after.size() + 1, std::vector<double>(total + 1));
  shares[0][0] = 1.0;
  size_t observed = 0;
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = std::min(i + 1, after.size()) + 1; k-- > 0;) {
      // Having chosen k of i, the next is chosen with chance (m - k) / (count - i).
      const auto left = static_cast<double>(count - i);
      const double stay = 1.0 - static_cast<double>(after.size() - k) / left;
      const double come = k > 0 ? static_cast<double>(after.size() - k + 1) / left : 0.0;
      for (size_t sum = total + 1; sum-- > 0;)
        shares[k][sum] = stay * shares[k][sum] +
                         (k > 0 && sum >= ranks[i] ? come * shares[k - 1][sum - ranks[i]] : 0.0);
    }
    if (i >= before.size()) observed += ranks[i];
  }
  const std::vector<double>& chosen = shares.back();
  const auto last = std::find_if(chosen.rbegin(), chosen.rend(), [](double p) { return p > 0.0; });
  return {share_from(chosen, observed), last == chosen.rend() ? 1.0 : *last};
}

double rank_correlation(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size());
  const std::vector<size_t> ranks_a = doubled_ranks(a);
  const std::vector<size_t> ranks_b = doubled_ranks(b);
  const double middle = static_cast<double>(a.size()) + 1.0;
  double both = 0.0;
  double spread_a = 0.0;
  double spread_b = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(ranks_a[i]) - middle;
    const double y = static_cast<double>(ranks_b[i]) - middle;
    both += x * y;
    spread_a += x * x;
    spread_b += y * y;
  }
  if (spread_a == 0.0 || spread_b == 0.0) return 0.0;
  return both / std::sqrt(spread_a * spread_b);
}

}  // namespace qb::stats
