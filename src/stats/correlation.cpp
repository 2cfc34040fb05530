#include "stats/correlation.h"

#include <algorithm>

#include "stats/stats.h"

namespace qb::stats {

double autocorrelation(std::span<const double> series, size_t lag) {
  if (lag >= series.size()) return 0.0;
  const double centre = mean(series);
  double products = 0.0;
  double squares = 0.0;
  for (size_t i = 0; i < series.size(); ++i) {
    const double d = series[i] - centre;
    squares += d * d;
    if (i + lag < series.size()) products += d * (series[i + lag] - centre);
  }
  return squares > 0.0 ? products / squares : 0.0;
}

double effective_sample_size(std::span<const double> series) {
  const auto n = static_cast<double>(series.size());
  if (series.size() < 4) return n;
  double sum = 0.0;
  for (size_t lag = 1; lag + 1 < series.size(); lag += 2) {
    const double pair = autocorrelation(series, lag) + autocorrelation(series, lag + 1);
    if (pair <= 0.0) break;
    sum += pair;
  }
  return std::clamp(n / (1.0 + 2.0 * sum), 1.0, n);
}

}  // namespace qb::stats
