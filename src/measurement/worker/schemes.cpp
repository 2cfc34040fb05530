#include "measurement/worker/schemes.h"

#include <algorithm>

#include "compression/bundle/encode.h"
#include "compression/quant/scheme.h"
#include "network/ir/builder.h"

namespace qb::worker {
namespace {

using ir::Symbol;
using ir::Value;

constexpr int64_t width = 256;  // whole blocks of every block format
constexpr int64_t row_count = 64;

ir::Graph language_graph() {
  ir::Builder b("language_sample");
  const Value tokens = b.input("tokens", ElementType::i64, {Symbol::batch, Symbol::sequence});
  const Value positions = b.input("positions", ElementType::i64, {Symbol::selected});
  const Value x = b.embedding(tokens, b.parameter("table", {row_count, width}));
  b.output(b.linear(b.select_positions(x, positions), b.parameter("weight", {row_count, width})));
  return b.finish().value();
}

ir::Graph vision_graph() {
  ir::Builder b("vision_sample");
  const Value x = b.input("images", ElementType::f32, {Symbol::batch, width, 4, 4});
  const Value y = b.relu6(b.conv2d(x, b.parameter("kernel", {width, width, 1, 1}), {}));
  const Value features = b.flatten(b.global_average_pool(y));
  b.output(b.linear(features, b.parameter("weight", {row_count, width})));
  return b.finish().value();
}

// As the compression rounds these networks: what convolutions and linears read; measured values
// where they are computed.
std::vector<std::pair<Value, bundle::Activation>> activations_of(const ir::Graph& graph,
                                                                 quant::Activations mode) {
  std::vector<std::pair<Value, bundle::Activation>> rounded;
  const bundle::Activation any = {mode, {0.03125f, 128}};
  const bundle::Activation positive = {mode, {6.0f / 255.0f, 0}};
  const bool is_measured = mode == quant::Activations::measured;
  if (mode == quant::Activations::none) return rounded;
  for (const ir::Node& node : graph.nodes) {
    if (node.op == ir::Op::conv2d) rounded.emplace_back(node.inputs[0], any);
    if (node.op == ir::Op::relu6 && is_measured) rounded.emplace_back(node.output, positive);
    if (node.op != ir::Op::linear) continue;
    const ir::Node* producer = graph.producer_of(node.inputs[0]);
    const bool is_flattened = producer->op == ir::Op::flatten;
    if (is_measured && is_flattened)
      rounded.emplace_back(producer->inputs[0], positive);
    else
      rounded.emplace_back(node.inputs[0], any);
  }
  return rounded;
}

// What each sample says on one device, and whether any of them runs.
struct Telling {
  std::string text;
  bool runs = false;
};

Telling tell(Engine& engine, const quant::Scheme& scheme, const std::string& device) {
  Telling telling;
  for (const Sample& sample : samples()) {
    const Result<bundle::Bundle> bundle = sample_bundle(sample, scheme);
    if (!bundle) continue;
    const Result<std::string> computing = computing_of(engine, *bundle, device);
    telling.runs |= computing.has_value();
    telling.text += fmt::format("{}{}: {}", telling.text.empty() ? "" : "; ", sample.name,
                                computing ? *computing : "none: " + computing.error().message);
  }
  return telling;
}

}  // namespace

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = {{"language", language_graph()},
                                          {"vision", vision_graph()}};
  return all;
}

Result<void> sample_values(const ir::ValueInfo&, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = (static_cast<float>(i * 7 % 13) - 5.5f) * 0.125f;  // no symmetric range
  return {};
}

Result<bundle::Bundle> sample_bundle(const Sample& sample, const quant::Scheme& scheme) {
  const bool has_convolution = std::ranges::find(sample.graph.nodes, ir::Op::conv2d,
                                                 &ir::Node::op) != sample.graph.nodes.end();
  if (has_convolution && scheme.activations == quant::Activations::by_token)
    return fail(Errc::unsupported, "convolutions have no tokens");
  bundle::Encoder encoder(1);
  std::vector<float> values;
  const auto store = [&](Value parameter) {
    values.resize(static_cast<size_t>(ir::element_count(sample.graph[parameter].shape)));
    (void)sample_values(sample.graph[parameter], values);
    return encoder.encode(sample.graph, parameter, scheme, values);
  };
  return bundle::hold_bundle(scheme,
                             {.graph = sample.graph,
                              .activations = activations_of(sample.graph, scheme.activations),
                              .store = store});
}

Result<std::string> computing_of(Engine& engine, const bundle::Bundle& bundle,
                                 const std::string& device) {
  QB_TRY(const auto session, engine.compile(bundle, {.device = device}));
  return std::string(session->actual()["compute_type"].as_string());
}

std::vector<std::pair<std::string, std::string>> describe_schemes(
    Engine& engine, std::span<const DeviceDescription> devices) {
  std::vector<std::pair<std::string, std::string>> described;
  for (const quant::Scheme& scheme : quant::base_schemes()) {
    std::string text;
    std::string first;
    bool runs = false;
    for (const DeviceDescription& device : devices) {
      if (!device.available) continue;
      const Telling telling = tell(engine, scheme, device.name);
      runs |= telling.runs;
      if (telling.text == first) continue;
      if (first.empty()) first = telling.text;
      text += text.empty() ? telling.text : fmt::format("; on {}: {}", device.name, telling.text);
    }
    if (runs) described.emplace_back(scheme.name, text);
  }
  return described;
}

}  // namespace qb::worker
