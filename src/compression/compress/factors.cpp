#include "compression/compress/factors.h"

#include <algorithm>
#include <cmath>

namespace qb::compress {
namespace {

constexpr float factor_max = 1e4f;

}  // namespace

Result<std::vector<ChannelLink>> links_of(const Network& network, std::string_view method) {
  std::vector<ChannelLink> links = find_links(network.graph);
  if (links.empty())
    return fail(Errc::unsupported,
                "{} moves factors between layers, and every pair of this network's layers has a "
                "nonlinearity between them",
                method);
  return links;
}

Result<std::vector<float>> largest_of(const Network& network, const ChannelLink& link,
                                      const LinkEnd& end) {
  QB_TRY(const std::vector<float> values, read_parameter(network, end.parameter));
  const int64_t row_count = network.graph[end.parameter].shape[0].extent;
  const int64_t column_count = static_cast<int64_t>(values.size()) / row_count;
  std::vector<float> largest(static_cast<size_t>(link.factor_count), 0.0f);
  for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i) {
    const int64_t channel = end.is_rows ? i / column_count : i % column_count / end.column_repeat;
    const bool is_consumer_side = !end.is_rows || link.channel_count == link.factor_count;
    float& slot =
        largest[static_cast<size_t>(is_consumer_side ? link.factor_of(channel) : channel)];
    slot = std::max(slot, std::fabs(values[static_cast<size_t>(i)]));
  }
  return largest;
}

void raise_to(std::vector<float>& largest, const std::vector<float>& other) {
  for (size_t i = 0; i < largest.size(); ++i) largest[i] = std::max(largest[i], other[i]);
}

std::vector<float> per_factor(const ChannelLink& link, std::span<const float> per_column,
                              int64_t column_repeat) {
  std::vector<float> values(static_cast<size_t>(link.factor_count), 0.0f);
  for (size_t i = 0; i < per_column.size(); ++i) {
    const auto channel = static_cast<int64_t>(i) / column_repeat;
    float& slot = values[static_cast<size_t>(link.factor_of(channel))];
    slot = std::max(slot, per_column[i]);
  }
  return values;
}

Result<const InputStatistics*> inputs_of_link(const ChannelLink& link, Calibrator& calibrator) {
  return calibrator.inputs_of(link.consumers.front().parameter);
}

float clamped_factor(double factor) {
  if (!std::isfinite(factor) || factor <= 0) return 1.0f;
  return static_cast<float>(std::clamp<double>(factor, 1.0 / factor_max, factor_max));
}

void move_factors(const ChannelLink& link, std::span<const float> factors, Scaling& scaling) {
  std::vector<float> inverse;
  for (const float factor : factors) inverse.push_back(1.0f / factor);
  std::vector<float> channels;
  for (int64_t i = 0; i < link.channel_count; ++i)
    channels.push_back(factors[static_cast<size_t>(link.factor_of(i))]);
  for (const LinkEnd& end : link.producers) scaling.scale_rows(end.parameter, inverse);
  for (const LinkEnd& end : link.consumers) {
    if (end.is_rows)
      scaling.scale_rows(end.parameter, channels);
    else
      scaling.scale_columns(end.parameter, channels, end.column_repeat);
  }
}

}  // namespace qb::compress
