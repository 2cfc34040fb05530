// AWQ: activation-aware factors.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compression/bundle/layout.h"
#include "compression/compress/equalise.h"
#include "compression/compress/factors.h"
#include "compression/compress/output_error.h"
#include "compression/quant/quantize.h"

namespace qb::compress {
namespace {

struct AwqConsumer {
  const LinkEnd* end = nullptr;
  std::vector<float> weights;
  quant::PackedLayout layout;
};

// Error of the outputs when the weights are quantized with their columns scaled.
double scaled_error(const AwqConsumer& consumer, std::span<const float> channels,
                    const quant::Scheme& scheme, const InputStatistics& inputs,
                    int64_t thread_count) {
  const auto column_count = static_cast<size_t>(consumer.layout.column_count);
  const auto repeat = static_cast<size_t>(consumer.end->column_repeat);
  const auto factor_at = [&](size_t i) {
    return consumer.end->is_rows ? channels[i / column_count] : channels[i % column_count / repeat];
  };
  std::vector<float> changed = consumer.weights;
  for (size_t i = 0; i < changed.size(); ++i) changed[i] *= factor_at(i);
  const quant::Packed packed =
      quant::quantize(changed, consumer.layout, quant::scale_fit_of(scheme), thread_count);
  quant::dequantize_rows(packed.view(), 0, changed);
  for (size_t i = 0; i < changed.size(); ++i) changed[i] /= factor_at(i);
  return output_error(consumer.weights, changed, inputs, thread_count);
}

// (mean |x|)^alpha, divided by sqrt(largest * smallest).
std::vector<float> awq_factors(std::span<const float> mean_abs, double alpha) {
  std::vector<float> factors;
  double low = 1e30;
  double high = 0.0;
  for (const float value : mean_abs) {
    const double factor = std::max(std::pow(static_cast<double>(value), alpha), 1e-4);
    low = std::min(low, factor);
    high = std::max(high, factor);
    factors.push_back(static_cast<float>(factor));
  }
  for (float& factor : factors) factor = clamped_factor(factor / std::sqrt(low * high));
  return factors;
}

Result<std::vector<float>> search_awq(const Network& network, const ChannelLink& link,
                                      const InputStatistics& inputs, const quant::Scheme& scheme,
                                      int64_t thread_count) {
  constexpr int step_count = 10;
  std::vector<AwqConsumer> consumers;
  for (const LinkEnd& end : link.consumers) {
    AwqConsumer consumer = {.end = &end};
    QB_TRY(consumer.weights, read_parameter(network, end.parameter));
    const auto extent = bundle::extent_of(ir::bind(network.graph[end.parameter].shape, {}));
    consumer.layout = quant::layout_for(scheme, extent.row_count, extent.column_count);
    consumers.push_back(std::move(consumer));
  }
  const std::vector<float> mean_abs = per_factor(
      link, inputs.mean_abs,
      inputs.column_count * inputs.group_count / std::max<int64_t>(link.channel_count, 1));
  std::vector<float> best(mean_abs.size(), 1.0f);
  double best_error = std::numeric_limits<double>::infinity();
  for (int step = 0; step <= step_count; ++step) {
    const std::vector<float> factors =
        awq_factors(mean_abs, static_cast<double>(step) / step_count);
    std::vector<float> channels;
    for (int64_t i = 0; i < link.channel_count; ++i)
      channels.push_back(factors[static_cast<size_t>(link.factor_of(i))]);
    double error = 0.0;
    for (const AwqConsumer& consumer : consumers)
      error += scaled_error(consumer, channels, scheme, inputs, thread_count);
    if (error < best_error) {
      best_error = error;
      best = factors;
    }
  }
  return best;
}

}  // namespace

Result<Network> protect_channels(const Network& network, Calibrator& calibrator,
                                 const quant::Scheme& scheme, int64_t thread_count) {
  QB_TRY(const std::vector<ChannelLink> links, links_of(network, "+awq"));
  Scaling scaling;
  for (const ChannelLink& link : links) {
    const bool all_quantized = std::ranges::all_of(link.consumers, [&](const LinkEnd& end) {
      return bundle::is_quantized(network.graph, end.parameter, scheme);
    });
    if (!all_quantized) continue;
    QB_TRY(const InputStatistics* inputs, inputs_of_link(link, calibrator));
    QB_TRY(const std::vector<float> factors,
           search_awq(network, link, *inputs, scheme, thread_count));
    move_factors(link, factors, scaling);
  }
  return scaled(network, std::move(scaling));
}

}  // namespace qb::compress
