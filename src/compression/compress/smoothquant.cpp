// SmoothQuant.
#include <algorithm>
#include <cmath>

#include "compression/compress/equalise.h"
#include "compression/compress/factors.h"

namespace qb::compress {

Result<Network> smooth_activations(const Network& network, Calibrator& calibrator) {
  QB_TRY(const std::vector<ChannelLink> links, links_of(network, "+smooth"));
  Scaling scaling;
  for (const ChannelLink& link : links) {
    QB_TRY(const InputStatistics* inputs, inputs_of_link(link, calibrator));
    const std::vector<float> seen = per_factor(
        link, inputs->max_abs, inputs->column_count * inputs->group_count / link.channel_count);
    std::vector<float> weights(seen.size(), 0.0f);
    for (const LinkEnd& end : link.consumers) {
      QB_TRY(const std::vector<float> largest, largest_of(network, link, end));
      raise_to(weights, largest);
    }
    std::vector<float> factors;
    for (size_t i = 0; i < seen.size(); ++i)
      factors.push_back(
          clamped_factor(std::sqrt(static_cast<double>(seen[i]) / std::max(weights[i], 1e-8f))));
    move_factors(link, factors, scaling);
  }
  return scaled(network, std::move(scaling));
}

}  // namespace qb::compress
