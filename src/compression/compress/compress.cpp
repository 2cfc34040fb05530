#include "compression/compress/compress.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "compression/bundle/encode.h"
#include "compression/bundle/layout.h"
#include "compression/bundle/model.h"
#include "compression/compress/allocate.h"
#include "compression/compress/equalise.h"
#include "compression/compress/least_scales.h"
#include "compression/compress/output_error.h"
#include "compression/compress/rounded_values.h"
#include "compression/quant/gptq.h"
#include "compression/quant/quantize.h"

namespace qb::compress {
namespace {

namespace fs = std::filesystem;
using quant::Scheme;

// The parts of a scheme that change the network before it is rounded, for the fp32 bundle's recipe.
std::string transform_name(const Scheme& scheme) {
  std::string name;
  if (scheme.folds()) name += "+fold";
  if (scheme.has(quant::option_cle)) name += "+cle";
  return name;
}

// What decides the factors that are moved: AWQ tries the scheme's own rounding, but not its codes.
std::string moved_by(const Scheme& scheme) {
  if (scheme.has(quant::option_smooth)) return "smooth";
  return fmt::format("awq-{}{}", quant::base_of(scheme).name,
                     scheme.has(quant::option_mse)   ? "+mse"
                     : scheme.has(quant::option_hqq) ? "+hqq"
                                                     : "");
}

bundle::Recipe recipe_of(const Job& job) {
  return {.scheme = job.scheme.name,
          .weights = job.weights,
          .source_hash = job.source_hash,
          .calibration_hash = job.calibration ? job.calibration->content_hash : ""};
}

// The network in fp32 as a bundle, after `transforms`.
bundle::Recipe fp32_recipe(const Job& job, const std::string& transforms) {
  const bool depends_on_data = transforms.find('@') != std::string::npos;
  return {.scheme = "fp32",
          .weights = job.weights,
          .source_hash = job.source_hash + transforms,
          .calibration_hash = depends_on_data ? job.calibration->content_hash : ""};
}

// Writes the network in fp32 and opens it for the calibration set.
Result<Calibrator> calibrator_for(const Job& job, const Network& network,
                                  const std::string& transforms) {
  QB_TRY(
      const fs::path folder,
      bundle::build_plain_bundle(job.root, network.graph, *quant::find_scheme("fp32"),
                                 fp32_recipe(job, transforms), network.source, job.thread_count));
  return Calibrator::open(folder, *job.calibration, job.thread_count, job.tell);
}

// A network that was transformed and written before.
Result<std::optional<Network>> find_transformed(const Job& job, const ir::Graph& graph,
                                                const std::string& transforms) {
  const auto folder = bundle::find_bundle(job.root, graph, fp32_recipe(job, transforms));
  if (!folder) return std::optional<Network>();
  QB_TRY(bundle::Bundle loaded, bundle::load_bundle(*folder));
  const auto bundle = std::make_shared<const bundle::Bundle>(std::move(loaded));
  return Network{bundle->graph(), [bundle](const ir::ValueInfo& info, std::span<float> out) {
                   bundle::decode_f32(bundle->parameter(find_value(bundle->graph(), info.name)),
                                      out);
                   return Result<void>();
                 }};
}

// A job on its way.
struct Work {
  const Job& job;
  Network network;
  std::optional<Calibrator> calibrator;  // of `network`
};

bool has_conv2d(const ir::Graph& graph) {
  return std::ranges::any_of(graph.nodes,
                             [](const ir::Node& node) { return node.op == ir::Op::conv2d; });
}

Result<void> check_options(const Job& job) {
  const Scheme& scheme = job.scheme;
  const uint32_t for_convolutions = quant::option_fold | quant::option_bias;
  if (scheme.activations == quant::Activations::by_token && has_conv2d(job.model.graph))
    return fail(Errc::unsupported,
                "{} has a scale for each token, and {} has convolutions, which read no tokens",
                scheme.name, job.model.graph.name);
  if ((scheme.options & for_convolutions) != 0 && !has_conv2d(job.model.graph))
    return fail(Errc::unsupported, "{} is about convolutions, and {} has none", scheme.name,
                job.model.graph.name);
  if (scheme.needs_calibration() && !job.calibration)
    return fail(Errc::unavailable, "{} needs a calibration set", scheme.name);
  if (scheme.weight_type == quant::WeightType::given && !job.given)
    return fail(Errc::unsupported, "{} is for a checkpoint's own bits, and {} weights have none",
                scheme.name, job.weights);
  return {};
}

// Factors moved between layers by what calibration shows.
Result<Network> move_factors_by_data(Work& work) {
  const Scheme& scheme = work.job.scheme;
  if (scheme.has(quant::option_smooth)) return smooth_activations(work.network, *work.calibrator);
  Scheme judged = scheme;
  if (scheme.weight_type == quant::WeightType::mixed) {
    judged = *quant::find_scheme("w4g128");
    judged.options = scheme.options;
  }
  return protect_channels(work.network, *work.calibrator, judged, work.job.thread_count);
}

// Everything that is done in fp32.
Result<Work> transform(const Job& job) {
  QB_CHECK(check_options(job));
  const Scheme& scheme = job.scheme;
  Work work = {job, job.model, std::nullopt};
  if (scheme.folds()) work.network = fold_batch_norms(work.network);
  if (scheme.has(quant::option_cle)) {
    QB_TRY(work.network, equalise_weights(work.network));
  }
  if (!scheme.needs_calibration()) return work;
  std::string transforms = transform_name(scheme);
  if (scheme.has(quant::option_smooth) || scheme.has(quant::option_awq)) {
    const std::string moved = transforms + "@" + moved_by(scheme);
    QB_TRY(std::optional<Network> found, find_transformed(job, work.network.graph, moved));
    if (!found) {
      QB_TRY(work.calibrator, calibrator_for(job, work.network, transforms));
      QB_TRY(found, move_factors_by_data(work));
    }
    work.network = *std::move(found);
    transforms = moved;
  }
  QB_TRY(work.calibrator, calibrator_for(job, work.network, transforms));
  return work;
}

// The inputs that a tied table is fitted to: the head's, and rows that are looked up, all columns
// of which matter alike.
std::vector<float> damped_for_lookup(std::span<const float> hessian, int64_t column_count) {
  std::vector<float> damped(hessian.begin(), hessian.end());
  double trace = 0.0;
  for (int64_t i = 0; i < column_count; ++i)
    trace += damped[static_cast<size_t>(i * column_count + i)];
  for (int64_t i = 0; i < column_count; ++i)
    damped[static_cast<size_t>(i * column_count + i)] +=
        static_cast<float>(trace / static_cast<double>(column_count));
  return damped;
}

// Rounds parameters one after another.
class Fitter {
 public:
  using Activations = std::vector<std::pair<ir::Value, bundle::Activation>>;
  Fitter(Work& work, std::map<std::string, Scheme> chosen, const Activations& activations)
      : work_(work),
        encoder_(work.job.thread_count),
        chosen_(std::move(chosen)),
        activations_(activations) {}

  Result<bundle::Stored> store(ir::Value parameter) {
    const ir::Graph& graph = work_.network.graph;
    const ir::ValueInfo& info = graph[parameter];
    values_.resize(element_count(ir::bind(info.shape, {})));
    QB_CHECK(work_.network.source(info, values_));
    add_correction(parameter, values_);
    if (is_given(parameter)) return given(info);
    QB_TRY(const bundle::Stored stored, fit(parameter));
    QB_TRY(const std::vector<float> least, least_scales_of(parameter));
    if (least.empty() || stored.encoding != bundle::Encoding::packed) return stored;
    const quant::PackedView& view = stored.packed;
    quant::Packed packed = {view.layout,
                            {view.codes.begin(), view.codes.end()},
                            {view.scales.begin(), view.scales.end()},
                            {view.zero_points.begin(), view.zero_points.end()}};
    return raise_scales(packed, values_, least) ? encoder_.keep(std::move(packed)) : stored;
  }

  // What the biases of convolutions must take over: the mean of (w - w') x.
  Result<void> find_corrections() {
    for (const ir::Node& node : work_.network.graph.nodes) {
      if (node.op != ir::Op::conv2d || node.inputs.size() < 3) continue;
      const ir::Value weight = node.inputs[1];
      QB_TRY(const bundle::Stored stored, store(weight));
      if (stored.encoding != bundle::Encoding::packed) continue;
      std::vector<float> decoded(values_.size());
      quant::dequantize_rows(stored.packed, 0, decoded);
      QB_TRY(const InputStatistics* inputs, work_.calibrator->inputs_of(weight));
      const int64_t row_count = stored.packed.layout.row_count;
      const int64_t column_count = stored.packed.layout.column_count;
      std::vector<float>& correction = corrections_[node.inputs[2].index];
      for (int64_t row = 0; row < row_count; ++row) {
        const int64_t group = row / (row_count / inputs->group_count);
        double sum = 0.0;
        for (int64_t i = 0; i < column_count; ++i) {
          const auto at = static_cast<size_t>(row * column_count + i);
          sum += (static_cast<double>(values_[at]) - decoded[at]) *
                 inputs->mean[static_cast<size_t>(group * column_count + i)];
        }
        correction.push_back(static_cast<float>(sum));
      }
    }
    return {};
  }

 private:
  void add_correction(ir::Value parameter, std::span<float> values) const {
    const auto correction = corrections_.find(parameter.index);
    if (correction == corrections_.end()) return;
    for (size_t i = 0; i < values.size(); ++i) values[i] += correction->second[i];
  }

  // Of the weight of a convolution with a bias whose input has a calibrated scale; else empty.
  Result<std::vector<float>> least_scales_of(ir::Value weight) const {
    const ir::Graph& graph = work_.network.graph;
    for (const ir::Node& node : graph.nodes) {
      if (node.op != ir::Op::conv2d || node.inputs.size() < 3 || node.inputs[1] != weight) continue;
      const auto input = std::ranges::find(activations_, node.inputs[0],
                                           [](const auto& activation) { return activation.first; });
      if (input == activations_.end() || input->second.mode != quant::Activations::measured)
        continue;
      const ir::ValueInfo& info = graph[node.inputs[2]];
      std::vector<float> bias(element_count(ir::bind(info.shape, {})));
      QB_CHECK(work_.network.source(info, bias));
      add_correction(node.inputs[2], bias);
      return least_scales(bias, input->second.fit.scale);
    }
    return std::vector<float>();
  }

  bool is_given(ir::Value parameter) const {
    return work_.job.scheme.weight_type == quant::WeightType::given &&
           bundle::is_quantized(work_.network.graph, parameter, work_.job.scheme);
  }

  // What another tool wrote may decode to anything.
  Result<bundle::Stored> given(const ir::ValueInfo& info) {
    if (const int64_t bad = quant::find_unstorable(values_, work_.job.thread_count); bad >= 0)
      return fail(Errc::bad_input, "{}: weight {} is {}: too large to store", info.name, bad,
                  values_[static_cast<size_t>(bad)]);
    return work_.job.given(info);
  }

  Result<bundle::Stored> fit(ir::Value parameter) {
    const ir::Graph& graph = work_.network.graph;
    const auto chosen = chosen_.find(graph[parameter].name);
    const Scheme& scheme = chosen == chosen_.end() ? work_.job.scheme : chosen->second;
    if (scheme.has(quant::option_gptq) && bundle::is_quantized(graph, parameter, scheme)) {
      QB_TRY(const InputStatistics* inputs, work_.calibrator->inputs_of(parameter));
      if (inputs) return fit_gptq(parameter, scheme, *inputs);
    }
    return encoder_.encode(graph, parameter, scheme, values_);
  }

  Result<bundle::Stored> fit_gptq(ir::Value parameter, const Scheme& scheme,
                                  const InputStatistics& inputs) {
    const ir::Graph& graph = work_.network.graph;
    // Also checks that the values can be stored.
    QB_TRY(const bundle::Stored plain, encoder_.encode(graph, parameter, scheme, values_));
    const quant::PackedLayout layout = plain.packed.layout;
    const int64_t thread_count = work_.job.thread_count;
    const auto fits = quant::fit_groups(values_, layout, quant::scale_fit_of(scheme), thread_count);
    const bool is_looked_up = (bundle::roles_of(graph, parameter) & quant::role_embedding) != 0;
    quant::PackedLayout part = layout;
    part.row_count = layout.row_count / inputs.group_count;
    const auto part_size = static_cast<size_t>(part.row_count * part.column_count);
    const size_t part_fits = part.scale_count();
    std::vector<uint8_t> codes;
    for (int64_t group = 0; group < inputs.group_count; ++group) {
      const auto at = static_cast<size_t>(group);
      const auto hessian = inputs.hessian_of(group);
      const std::vector<float> damped =
          is_looked_up ? damped_for_lookup(hessian, layout.column_count) : std::vector<float>();
      QB_TRY(const std::vector<uint8_t> part_codes,
             quant::gptq_codes(
                 std::span(values_).subspan(at * part_size, part_size), part,
                 std::span(fits).subspan(layout.per_tensor ? 0 : at * part_fits, part_fits),
                 is_looked_up ? std::span<const float>(damped) : hessian, thread_count));
      codes.insert(codes.end(), part_codes.begin(), part_codes.end());
    }
    return encoder_.keep(quant::pack(codes, fits, layout));
  }

  Work& work_;
  bundle::Encoder encoder_;
  std::map<std::string, Scheme> chosen_;  // of mixed schemes, by parameter
  const Activations& activations_;
  std::map<int32_t, std::vector<float>> corrections_;  // by bias
  std::vector<float> values_;
};

// What reads a value must agree on what it is.
Result<std::vector<std::pair<ir::Value, bundle::Activation>>> given_activations(const Work& work) {
  const ir::Graph& graph = work.network.graph;
  const std::set<std::string>& in_8_bits = work.job.read_in_8_bits;
  std::map<int32_t, std::set<bool>> readings;  // of what linears read
  for (const ir::Node& node : graph.nodes)
    if (node.op == ir::Op::linear)
      readings[node.inputs[0].index].insert(in_8_bits.contains(graph[node.inputs[1]].name));
  std::vector<std::pair<ir::Value, bundle::Activation>> activations;
  for (const auto& [index, ways] : readings) {
    if (ways.size() > 1)
      return fail(Errc::unsupported,
                  "{} is read in 8 bits by some of the checkpoint's weights and not by others",
                  graph[ir::Value{index}].name);
    if (ways.contains(true))
      activations.push_back({ir::Value{index}, {quant::Activations::by_token, {}}});
  }
  return activations;
}

Result<std::vector<std::pair<ir::Value, bundle::Activation>>> fit_activations(Work& work) {
  const Scheme& scheme = work.job.scheme;
  if (scheme.weight_type == quant::WeightType::given) return given_activations(work);
  const std::vector<ir::Value> values = rounded_values(work.network.graph, scheme);
  std::vector<std::pair<ir::Value, bundle::Activation>> activations;
  if (scheme.activations != quant::Activations::measured) {
    for (const ir::Value value : values) activations.push_back({value, {scheme.activations, {}}});
    return activations;
  }
  QB_TRY(const auto fits, work.calibrator->fit_activations(values, scheme.calibration));
  for (const auto& [index, fit] : fits)
    activations.push_back({ir::Value{index}, {scheme.activations, fit}});
  return activations;
}

Json calibration_json(const Job& job) {
  return Json::object({{"name", job.calibration->name},
                       {"hash", job.calibration->content_hash},
                       {"item_count", job.calibration->item_count}});
}

// How the parameter lies in the bundle, as a scheme's name.
std::string stored_as(const bundle::Parameter& parameter) {
  switch (parameter.encoding) {
    case bundle::Encoding::f32:
      return "fp32";
    case bundle::Encoding::f16:
      return "fp16";
    case bundle::Encoding::bf16:
      return "bf16";
    case bundle::Encoding::block:
      return std::string(ggml::row_of(parameter.block).name);
    case bundle::Encoding::micro:
      return std::string(quant::row_of(parameter.micro.layout.format).name);
    case bundle::Encoding::table: {
      const quant::TableLayout& table = parameter.table.layout;
      return table.table_count() == 1 ? fmt::format("lut{}", table.bits)
                                      : fmt::format("lut{}g{}", table.bits, table.rows_each);
    }
    case bundle::Encoding::packed:
      break;
  }
  const quant::PackedLayout& layout = parameter.packed.layout;
  return fmt::format("w{}{}{}", layout.bits,
                     layout.per_tensor              ? "t"
                     : layout.groups_per_row() == 1 ? "c"
                                                    : fmt::format("g{}", layout.group_size),
                     layout.symmetric      ? "s"
                     : layout.has_minimums ? " with minimums"
                                           : "");
}

std::optional<double> decibels(double signal, double noise) {
  if (!(noise > 0) || !(signal > 0)) return std::nullopt;
  return 10.0 * std::log10(signal / noise);
}

}  // namespace

Result<fs::path> build_bundle(const Job& job) {
  const bundle::Recipe recipe = recipe_of(job);
  if (const auto found = bundle::find_bundle(job.root, job.model.graph, recipe)) return *found;
  QB_TRY(Work work, transform(job));
  bundle::Contents contents = {.graph = work.network.graph};
  std::map<std::string, Scheme> chosen;
  if (job.scheme.weight_type == quant::WeightType::mixed) {
    QB_TRY(const std::vector<Choice> choices,
           choose_bits(work.network, *work.calibrator, job.scheme, job.thread_count, job.tell));
    Json::Array list;
    for (const Choice& choice : choices) {
      list.push_back(Json::object({{"parameter", choice.parameter},
                                   {"scheme", quant::base_of(choice.scheme).name},
                                   {"stored_bytes", choice.stored_bytes},
                                   {"damage", choice.damage}}));
      chosen[choice.parameter] = choice.scheme;
    }
    contents.notes.set("chosen", std::move(list));
  }
  if (job.scheme.needs_calibration()) contents.notes.set("calibration", calibration_json(job));
  QB_TRY(contents.activations, fit_activations(work));
  Fitter fitter(work, std::move(chosen), contents.activations);
  if (job.scheme.has(quant::option_bias)) QB_CHECK(fitter.find_corrections());
  const auto parameters = contents.graph.of_kind(ir::ValueKind::parameter);
  double total = 0.0;
  double done = 0.0;
  for (const ir::Value value : parameters)
    total += static_cast<double>(ir::element_count(contents.graph[value].shape));
  contents.store = [&](ir::Value parameter) -> Result<bundle::Stored> {
    if (job.tell) job.tell(contents.graph[parameter].name, done / total);
    done += static_cast<double>(ir::element_count(contents.graph[parameter].shape));
    return fitter.store(parameter);
  };
  return bundle::write_bundle(job.root, job.model.graph, recipe, contents);
}

Result<fs::path> build_model(std::span<const NetworkJob> networks) {
  std::vector<bundle::NetworkFolder> folders;
  for (const auto& [name, job] : networks) {
    if (name.empty() && networks.size() == 1) return build_bundle(job);
    if (job.scheme.needs_calibration())
      return fail(Errc::unsupported,
                  "{} is calibrated, which a model of several networks can't be yet: what network "
                  "\"{}\" reads comes from others",
                  job.scheme.name, name);
    QB_TRY(const fs::path folder,
           with_context(build_bundle(job), fmt::format("network \"{}\"", name)));
    folders.push_back({name, folder});
  }
  if (networks.empty()) return fail(Errc::bad_input, "a model without networks");
  return bundle::write_model(networks.front().job.root, folders);
}

bool is_worse(const LayerError& a, const LayerError& b) {
  const auto key = [](const LayerError& error) {
    return std::pair(error.output_sqnr_db.value_or(error.sqnr_db.value_or(1e9)), error.parameter);
  };
  return key(a) < key(b);
}

Result<std::vector<LayerError>> layer_errors(const Job& job, const fs::path& folder) {
  QB_TRY(Work work, transform(job));
  QB_TRY(const bundle::Bundle bundle, bundle::load_bundle(folder));
  std::vector<LayerError> errors;
  std::vector<float> decoded;
  for (const ir::Value value : bundle.graph().of_kind(ir::ValueKind::parameter)) {
    const bundle::Parameter& parameter = bundle.parameter(value);
    if (parameter.encoding == bundle::Encoding::f32) continue;
    const ir::Value source = find_value(work.network.graph, parameter.name);
    QB_TRY(const std::vector<float> weights, read_parameter(work.network, source));
    decoded.resize(weights.size());
    bundle::decode_f32(parameter, decoded);
    LayerError error = {.parameter = parameter.name,
                        .roles = quant::describe_roles(bundle::roles_of(bundle.graph(), value)),
                        .stored_as = stored_as(parameter),
                        .weight_count = static_cast<int64_t>(weights.size()),
                        .stored_bytes = static_cast<int64_t>(parameter.stored_bytes())};
    double signal = 0.0;
    double noise = 0.0;
    for (size_t i = 0; i < weights.size(); ++i) {
      signal += static_cast<double>(weights[i]) * weights[i];
      noise += std::pow(static_cast<double>(weights[i]) - decoded[i], 2);
    }
    error.sqnr_db = decibels(signal, noise);
    if (work.calibrator) {
      QB_TRY(const InputStatistics* inputs, work.calibrator->inputs_of(source));
      if (inputs) {
        const std::vector<float> zeros(weights.size());
        error.output_sqnr_db = decibels(output_error(weights, zeros, *inputs, job.thread_count),
                                        output_error(weights, decoded, *inputs, job.thread_count));
      }
    }
    errors.push_back(std::move(error));
  }
  std::ranges::sort(errors, is_worse);
  return errors;
}

}  // namespace qb::compress
