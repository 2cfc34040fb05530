#include "compression/compress/allocate.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "base/parallel.h"
#include "compression/bundle/layout.h"
#include "compression/quality/quality.h"
#include "compression/quant/quantize.h"

namespace qb::compress {
namespace {

constexpr std::string_view candidate_names[] = {"w4c", "w4g128", "w4g64", "w4g32", "w8c", "w8g128"};
constexpr int64_t tokens_watched = 64;
constexpr int64_t batches_watched = 8;

struct Option {
  quant::Scheme scheme;
  int64_t stored_bytes = 0;
  double squared_error = 0.0;
};

struct Layer {
  ir::Value parameter;
  int64_t weight_count = 0;
  std::vector<Option> options;  // by rising bytes, falling error
  size_t chosen = 0;
  double damage = 0.0;

  double damage_of(size_t option) const {
    const double cheapest = options.front().squared_error;
    return cheapest > 0 ? damage * options[option].squared_error / cheapest : 0.0;
  }
};

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return sum;
}

// All candidates' sizes and errors; those that cost more and are no better are dropped. `cheapest`
// receives the weights as the first one decodes.
Result<Layer> weigh(const Network& network, ir::Value parameter,
                    std::span<const quant::Scheme> candidates, int64_t thread_count,
                    std::vector<float>& cheapest) {
  const auto extent = bundle::extent_of(ir::bind(network.graph[parameter].shape, {}));
  Layer layer = {.parameter = parameter, .weight_count = extent.row_count * extent.column_count};
  QB_TRY(const std::vector<float> weights, read_parameter(network, parameter));
  std::vector<std::pair<Option, std::vector<float>>> all;
  for (const quant::Scheme& scheme : candidates) {
    const auto layout = quant::layout_for(scheme, extent.row_count, extent.column_count);
    std::vector<float> decoded(weights.size());
    quant::dequantize_rows(
        quant::quantize(weights, layout, quant::scale_fit_of(scheme), thread_count).view(), 0,
        decoded);
    Option option = {scheme, static_cast<int64_t>(layout.total_bytes()),
                     squared_distance(weights, decoded)};
    all.emplace_back(std::move(option), std::move(decoded));
  }
  std::ranges::sort(all, {}, [](const auto& item) {
    return std::pair(item.first.stored_bytes, item.first.squared_error);
  });
  cheapest = std::move(all.front().second);
  for (auto& [option, decoded] : all)
    if (layer.options.empty() || option.squared_error < layer.options.back().squared_error)
      layer.options.push_back(std::move(option));
  return layer;
}

class Meter {
 public:
  Meter(const Calibrator& calibrator)
      : calibrator_(calibrator), batch_count_(std::min(batches_watched, calibrator.batch_count())) {
    if (calibrator_.has_sequences()) batch_count_ = 1;
  }

  Result<void> read_baseline() {
    reference::Interpreter interpreter = calibrator_.make_interpreter(tokens_watched);
    for (int64_t batch = 0; batch < batch_count_; ++batch) {
      QB_CHECK(calibrator_.run_batch(interpreter, batch, tokens_watched));
      const auto logits = interpreter.outputs()[0].f32();
      baseline_.emplace_back(logits.begin(), logits.end());
    }
    return {};
  }

  // KL divergence with one parameter's values replaced.
  Result<double> damage(reference::Interpreter& interpreter, ir::Value parameter,
                        std::span<const float> values) const {
    interpreter.replace_parameter(parameter, values);
    quality::DivergenceAccumulator divergence;
    for (int64_t batch = 0; batch < batch_count_; ++batch) {
      QB_CHECK(calibrator_.run_batch(interpreter, batch, tokens_watched));
      const TensorView& output = interpreter.outputs()[0];
      const auto width = static_cast<size_t>(output.shape.back());
      const std::span<const float> reference = baseline_[static_cast<size_t>(batch)];
      for (size_t row = 0; row < reference.size(); row += width)
        QB_CHECK(divergence.add(reference.subspan(row, width), output.f32().subspan(row, width)));
    }
    interpreter.replace_parameter(parameter, {});
    return divergence.kl_divergence();
  }

 private:
  const Calibrator& calibrator_;
  int64_t batch_count_;
  std::vector<std::vector<float>> baseline_;
};

// Spends the budget where a byte saves most damage.
void spend(std::vector<Layer>& layers, int64_t byte_budget) {
  int64_t spent = 0;
  for (const Layer& layer : layers) spent += layer.options.front().stored_bytes;
  while (true) {
    Layer* best = nullptr;
    size_t best_option = 0;
    double best_rate = 0.0;
    for (Layer& layer : layers)
      for (size_t i = layer.chosen + 1; i < layer.options.size(); ++i) {
        const int64_t cost =
            layer.options[i].stored_bytes - layer.options[layer.chosen].stored_bytes;
        const double saved = layer.damage_of(layer.chosen) - layer.damage_of(i);
        const double rate = saved / static_cast<double>(std::max<int64_t>(cost, 1));
        if (spent + cost > byte_budget || rate <= best_rate) continue;
        best = &layer;
        best_option = i;
        best_rate = rate;
      }
    if (!best) return;
    spent += best->options[best_option].stored_bytes - best->options[best->chosen].stored_bytes;
    best->chosen = best_option;
  }
}

Result<std::vector<quant::Scheme>> make_candidates(const quant::Scheme& scheme) {
  std::vector<quant::Scheme> candidates;
  for (const std::string_view name : candidate_names) {
    QB_TRY(quant::Scheme candidate, quant::find_scheme(name));
    candidate.options = scheme.options;
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

// Every layer's options and damage, the layers dealt out to threads with an interpreter each.
Result<std::vector<Layer>> measure_layers(const Network& network, const Calibrator& calibrator,
                                          const std::vector<ir::Value>& parameters,
                                          std::span<const quant::Scheme> candidates,
                                          int64_t thread_count, const Tell& tell) {
  Meter meter(calibrator);
  QB_CHECK(meter.read_baseline());
  std::vector<Layer> layers(parameters.size());
  std::mutex guard;  // of `error` and `done`
  std::optional<Error> error;
  int64_t done = 0;
  const auto count = static_cast<int64_t>(parameters.size());
  const int64_t worker_count = std::min(thread_count, count);
  const auto measure = [&](reference::Interpreter& interpreter,
                           ir::Value parameter) -> Result<Layer> {
    std::vector<float> cheapest;
    QB_TRY(Layer layer, weigh(network, parameter, candidates, 1, cheapest));
    QB_TRY(layer.damage, meter.damage(interpreter, parameter, cheapest));
    return layer;
  };
  parallel_for(worker_count, 1, worker_count, [&](int64_t worker, int64_t) {
    reference::Interpreter interpreter = calibrator.make_interpreter(tokens_watched);
    for (int64_t i = worker; i < count; i += worker_count) {
      Result<Layer> layer = measure(interpreter, parameters[static_cast<size_t>(i)]);
      const std::lock_guard lock(guard);
      if (!layer) {
        error = layer.error();
        return;
      }
      layers[static_cast<size_t>(i)] = *std::move(layer);
      if (tell)
        tell("measuring each layer's damage",
             static_cast<double>(++done) / static_cast<double>(count));
    }
  });
  if (error) return tl::unexpected(*error);
  return layers;
}

}  // namespace

Result<std::vector<Choice>> choose_bits(const Network& network, const Calibrator& calibrator,
                                        const quant::Scheme& scheme, int64_t thread_count,
                                        const Tell& tell) {
  QB_TRY(const std::vector<quant::Scheme> candidates, make_candidates(scheme));
  std::vector<ir::Value> parameters;
  for (const ir::Value value : network.graph.of_kind(ir::ValueKind::parameter))
    if (bundle::is_quantized(network.graph, value, scheme)) parameters.push_back(value);
  QB_TRY(std::vector<Layer> layers,
         measure_layers(network, calibrator, parameters, candidates, thread_count, tell));
  int64_t weight_count = 0;
  int64_t cheapest_bytes = 0;
  for (const Layer& layer : layers) {
    weight_count += layer.weight_count;
    cheapest_bytes += layer.options.front().stored_bytes;
  }
  const auto byte_budget =
      static_cast<int64_t>(scheme.target_bits / 8.0 * static_cast<double>(weight_count));
  if (cheapest_bytes > byte_budget)
    return fail(Errc::unsupported,
                "{:.2f} bits per weight are too few: the smallest scheme of every layer takes "
                "{:.2f}",
                scheme.target_bits,
                static_cast<double>(cheapest_bytes) * 8.0 / static_cast<double>(weight_count));
  spend(layers, byte_budget);
  std::vector<Choice> choices;
  for (const Layer& layer : layers) {
    const Option& option = layer.options[layer.chosen];
    choices.push_back({network.graph[layer.parameter].name, option.scheme, layer.weight_count,
                       option.stored_bytes, layer.damage});
  }
  return choices;
}

}  // namespace qb::compress
