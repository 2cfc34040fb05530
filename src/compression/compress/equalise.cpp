#include "compression/compress/equalise.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "compression/bundle/layout.h"
#include "compression/quant/quantize.h"

namespace qb::compress {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMatrixView = Eigen::Map<const Matrix>;

constexpr int64_t error_rows_at_once = 64;
constexpr float factor_max = 1e4f;  // keeps scaled values well inside the range of floats

// Largest magnitude of each of a link's factors in one parameter.
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

bool is_matrix(const Network& network, const LinkEnd& end) {
  return network.graph[end.parameter].shape.size() > 1;
}

// Divides the producers' rows by the factors and multiplies the consumers' columns by them.
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

float clamped_factor(double factor) {
  if (!std::isfinite(factor) || factor <= 0) return 1.0f;
  return static_cast<float>(std::clamp<double>(factor, 1.0 / factor_max, factor_max));
}

Result<std::vector<ChannelLink>> links_of(const Network& network, std::string_view method) {
  std::vector<ChannelLink> links = find_links(network.graph);
  if (links.empty())
    return fail(Errc::unsupported,
                "{} moves factors between layers, and every pair of this network's layers has a "
                "nonlinearity between them",
                method);
  return links;
}

// Statistics per factor: the largest of the channels that share it.
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

// The consumer whose input statistics stand for the link; a depthwise convolution's are per group.
Result<const InputStatistics*> inputs_of_link(const ChannelLink& link, Calibrator& calibrator) {
  return calibrator.inputs_of(link.consumers.front().parameter);
}

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

double output_error(std::span<const float> weights, std::span<const float> decoded,
                    const InputStatistics& inputs, int64_t thread_count) {
  const int64_t column_count = inputs.column_count;
  const int64_t row_count = static_cast<int64_t>(weights.size()) / column_count;
  const int64_t group_rows = row_count / inputs.group_count;
  const int64_t grain = std::min(error_rows_at_once, group_rows);
  std::vector<double> errors(static_cast<size_t>((row_count + grain - 1) / grain), 0.0);
  parallel_for(row_count, grain, thread_count, [&](int64_t first, int64_t last) {
    double sum = 0.0;
    for (int64_t row = first; row < last;) {  // a range may cross into the next group
      const int64_t group = row / group_rows;
      const int64_t count = std::min(last, (group + 1) * group_rows) - row;
      const Matrix difference =
          ConstMatrixView(weights.data() + row * column_count, count, column_count) -
          ConstMatrixView(decoded.data() + row * column_count, count, column_count);
      const ConstMatrixView hessian(inputs.hessian_of(group).data(), column_count, column_count);
      sum += static_cast<double>((difference * hessian).cwiseProduct(difference).sum());
      row += count;
    }
    errors[static_cast<size_t>(first / grain)] = sum;
  });
  double total = 0.0;
  for (const double error : errors) total += error;
  return total;
}

}  // namespace qb::compress
