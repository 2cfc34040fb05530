// Many tests at once.
#pragma once

#include <span>
#include <vector>

namespace qb::stats {

// The least false discovery rate at which each is rejected (Benjamini and Hochberg 1995), in the
// order of the p values.
std::vector<double> adjusted_for_discovery(std::span<const double> p_values);

// That none of these hypotheses is true, whether they are independent or positively dependent
// (Simes 1986): the smallest of the adjusted ones. Not empty.
double simes(std::span<const double> p_values);

}  // namespace qb::stats
