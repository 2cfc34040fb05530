// Cross-layer equalisation.
#include <cmath>

#include "compression/compress/equalise.h"
#include "compression/compress/factors.h"

namespace qb::compress {
namespace {

bool is_matrix(const Network& network, const LinkEnd& end) {
  return network.graph[end.parameter].shape.size() > 1;
}

}  // namespace

Result<Network> equalise_weights(const Network& network) {
  constexpr int sweep_count = 8;
  QB_TRY(const std::vector<ChannelLink> links, links_of(network, "+cle"));
  Network current = network;
  for (int sweep = 0; sweep < sweep_count; ++sweep) {
    Scaling scaling;
    for (const ChannelLink& link : links) {
      std::vector<float> made(static_cast<size_t>(link.factor_count), 0.0f);
      std::vector<float> read = made;
      for (const LinkEnd& end : link.producers) {
        if (!is_matrix(current, end)) continue;
        QB_TRY(const std::vector<float> largest, largest_of(current, link, end));
        raise_to(made, largest);
      }
      for (const LinkEnd& end : link.consumers) {
        QB_TRY(const std::vector<float> largest, largest_of(current, link, end));
        raise_to(read, largest);
      }
      std::vector<float> factors;
      for (size_t i = 0; i < made.size(); ++i)
        factors.push_back(clamped_factor(std::sqrt(static_cast<double>(made[i]) / read[i])));
      move_factors(link, factors, scaling);
    }
    current = scaled(current, std::move(scaling));
  }
  return current;
}

}  // namespace qb::compress
