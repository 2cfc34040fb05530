// When a series of timings has settled.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace qb::stats {

// Where mean or variance change: PELT (Killick, Fearnhead, Eckley 2012) with the cost of normal
// segments, penalty 15 ln n as Barrett et al. (OOPSLA 2017) chose for benchmarks. Each is the
// index of a segment's first value; ascending, 0 excluded. Segments hold 5 values at least.
std::vector<size_t> change_points(std::span<const double> series, double penalty_factor = 15.0);

struct Steadiness {
  bool is_steady = false;
  size_t first = 0;  // of the last stretch whose segments are alike
};

// After single spikes are taken out: the last segment and those before it whose mean differs by no
// more than its standard deviation, or by 1 % (Barrett et al. likewise join segments that differ by
// less than matters). Series of more than 4,000 values are searched by the means of as many groups
// of neighbours. Steady: the stretch is at least half of the series. Empty for fewer than 10
// values: too few to tell.
std::optional<Steadiness> find_steady(std::span<const double> series);

}  // namespace qb::stats
