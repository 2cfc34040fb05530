#include "stats/moderation.h"

#include <algorithm>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>

#include "stats/stats.h"

namespace qb::stats {
namespace {

constexpr double most_degrees = 1000.0;
constexpr size_t enough_variances = 20;
constexpr double least_scatter = 0.002;  // ψ' of half the most degrees of freedom

}  // namespace

double inverse_trigamma(double y) {
  // 1/ψ' is nearly linear, and bisection in the log is sure.
  double low = -40.0;
  double high = 40.0;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2.0;
    (boost::math::trigamma(std::exp(middle)) > y ? low : high) = middle;
  }
  return std::exp((low + high) / 2.0);
}

VariancePrior fit_prior(std::span<const Variance> variances) {
  if (variances.size() < 2) return {};
  std::vector<double> logs;
  double by_chance = 0.0;
  for (const Variance& v : variances) {
    const double half = v.degrees_of_freedom / 2.0;
    logs.push_back(std::log(v.value) - boost::math::digamma(half) + std::log(half));
    by_chance += boost::math::trigamma(half) / static_cast<double>(variances.size());
  }
  const double deviation = *standard_deviation(logs);
  const double scatter = deviation * deviation - by_chance;
  double degrees = scatter <= least_scatter ? most_degrees : 2.0 * inverse_trigamma(scatter);
  if (variances.size() < enough_variances)
    degrees = std::min(degrees, static_cast<double>(variances.size()) / 2.0);
  const double half = degrees / 2.0;
  return {std::exp(mean(logs) + boost::math::digamma(half) - std::log(half)), degrees};
}

Variance moderated(const Variance& v, const VariancePrior& prior) {
  const double degrees = prior.degrees_of_freedom + v.degrees_of_freedom;
  return {(prior.degrees_of_freedom * prior.value + v.degrees_of_freedom * v.value) / degrees,
          degrees};
}

}  // namespace qb::stats
