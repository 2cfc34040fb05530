// By ranks alone, so that no outlier counts for more than its place: exact tests, and correlation.
#pragma once

#include <span>

namespace qb::stats {

struct RankTest {
  double p = 1.0;           // one-sided, exact
  double p_smallest = 1.0;  // that so many values can give
};

// Wilcoxon's signed rank test that differences lie above 0 (1945). Zeros are left out, ties share
// their mid rank; p is over all signs of the ranks at hand. At most 1,000 differences.
RankTest signed_rank_test(std::span<const double> differences);

// Wilcoxon's rank sum test that `after` lies above `before` (Mann and Whitney 1947), likewise over
// all choices of the ranks at hand. At most 200 values together.
RankTest rank_sum_test(std::span<const double> before, std::span<const double> after);

// Spearman's, of as many values each, ties at their mid rank; 0 where one of them is constant.
double rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace qb::stats
