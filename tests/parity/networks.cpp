#include "networks.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"
#include "compression/bundle/tensor_file.h"
#include "compression/compress/compress.h"
#include "network/models/models.h"

namespace qb::parity {

using ir::Builder;
using ir::Symbol;
using ir::Value;
namespace fs = std::filesystem;

namespace {

const fs::path root = fs::temp_directory_path() / fmt::format("qb_parity_{}", ::getpid());
struct RemoveAtExit {
  ~RemoveAtExit() { fs::remove_all(root); }
} remove_at_exit;

}  // namespace

worker::Engine& engine() {
  static const std::unique_ptr<worker::Engine> made = worker::make_engine();
  return *made;
}

Result<void> seeded(const ir::ValueInfo& info, std::span<float> out) {
  Rng rng(derive_seed(5, info.name));
  const bool is_variance = info.name.ends_with("running_var");
  const size_t fan_in =
      info.shape.size() > 1 ? out.size() / static_cast<size_t>(info.shape[0].extent) : 1;
  for (float& value : out) {
    const double normal = rng.normal() / std::sqrt(static_cast<double>(fan_in));
    value = static_cast<float>(is_variance ? 0.5 + std::fabs(normal) : normal);
  }
  return {};
}

namespace {

// Calibration input for a network: 3 batches of seeded values, or of tokens.
compress::CalibrationSet calibration_for(const ir::Graph& graph) {
  const fs::path file = root / (graph.name + ".tensors");
  fs::create_directories(root);
  const auto input = graph.of_kind(ir::ValueKind::input)[0];
  Rng rng(23);
  std::vector<int64_t> shape = ir::bind(
      graph[input].shape,
      {{Symbol::batch, 3}, {Symbol::sequence, 9}, {Symbol::height, 9}, {Symbol::width, 9}});
  std::vector<int64_t> tokens(element_count(shape));
  std::vector<float> values(element_count(shape));
  for (int64_t& token : tokens) token = static_cast<int64_t>(rng.below(40));
  for (float& value : values) value = static_cast<float>(rng.normal());
  const bool is_text = graph[input].type == ElementType::i64;
  const bundle::NamedTensor tensor = {
      is_text ? "tokens" : "images",
      {graph[input].type, shape,
       is_text ? static_cast<const void*>(tokens.data()) : values.data()}};
  REQUIRE(bundle::save_tensor_file(file, Json::object({}), {&tensor, 1}));
  return {.name = "seeded", .content_hash = graph.name, .file = file, .item_count = 3};
}

}  // namespace

Result<bundle::Bundle> build(const ir::Graph& graph, const quant::Scheme& scheme,
                             const bundle::ParameterSource& source) {
  compress::Job job = {
      .model = {graph, source}, .scheme = scheme, .source_hash = graph.name, .root = root};
  if (scheme.needs_calibration()) job.calibration = calibration_for(graph);
  QB_TRY(const fs::path folder, compress::build_bundle(job));
  return bundle::load_bundle(folder);
}

bundle::Bundle bundle_of(const ir::Graph& graph, const quant::Scheme& scheme) {
  auto bundle = build(graph, scheme);
  REQUIRE(bundle);
  return *std::move(bundle);
}

namespace {

// Tokens, or what an input of that name counts or hides; `place` is along its last dimension.
int64_t integer_of(std::string_view name, int64_t place, const ir::Extents& extents, Rng& rng) {
  if (name == "positions") return place;
  if (name == "picked")
    return static_cast<int64_t>(rng.below(static_cast<uint64_t>(extents.of(Symbol::sequence))));
  if (name == "mask") return place == 0 || rng.below(3) > 0 ? 1 : 0;  // the first is always seen
  return static_cast<int64_t>(rng.below(40));
}

}  // namespace

Step step_of(const ir::Graph& graph, const ir::Extents& extents, int64_t past_tokens, Rng& rng) {
  Step step = {.past_tokens = past_tokens};
  const auto inputs = graph.of_kind(ir::ValueKind::input);
  step.reals.resize(inputs.size());
  step.integers.resize(inputs.size());
  for (const Value input : inputs) step.shapes.push_back(ir::bind(graph[input].shape, extents));
  for (size_t i = 0; i < inputs.size(); ++i) {
    size_t count = 1;
    for (const int64_t extent : step.shapes[i]) count *= static_cast<size_t>(extent);
    if (graph[inputs[i]].type == ElementType::f32) {
      for (size_t j = 0; j < count; ++j) step.reals[i].push_back(static_cast<float>(rng.normal()));
      step.tensors.push_back({ElementType::f32, step.shapes[i], step.reals[i].data()});
    } else {
      const auto width = static_cast<size_t>(step.shapes[i].back());
      for (size_t j = 0; j < count; ++j)
        step.integers[i].push_back(
            integer_of(graph[inputs[i]].name, static_cast<int64_t>(j % width), extents, rng));
      step.tensors.push_back({ElementType::i64, step.shapes[i], step.integers[i].data()});
    }
  }
  return step;
}

double relative_rms(std::span<const float> wanted, std::span<const float> got) {
  if (wanted.size() != got.size()) return std::numeric_limits<double>::infinity();
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    error += std::pow(static_cast<double>(wanted[i]) - got[i], 2);
    size += std::pow(static_cast<double>(wanted[i]), 2);
  }
  return std::sqrt(error / std::max(size, 1e-30));
}

bool uses(const ir::Graph& graph, ir::Op op) {
  for (const ir::Node& node : graph.nodes)
    if (node.op == op) return true;
  return false;
}

Situation situation(std::string name, const std::function<Value(Builder&)>& build,
                    std::vector<int64_t> steps) {
  Builder b(name);
  b.output(build(b));
  auto graph = b.finish();
  REQUIRE(graph);
  return {std::move(name), *std::move(graph), std::move(steps)};
}

Value tokens_input(Builder& b) {
  return b.input("tokens", ElementType::i64, {Symbol::batch, Symbol::sequence});
}
Value vector_input(Builder& b, int64_t width) {
  return b.input("x", ElementType::f32, {Symbol::batch, Symbol::sequence, width});
}
Value picture_input(Builder& b, int64_t channels) {
  return b.input("x", ElementType::f32, {Symbol::batch, channels, 9, 9});
}

Value attention(Builder& b, double theta) {
  const Value x = b.embedding(tokens_input(b), b.parameter("table", {40, 64}));
  const ir::Shape cache = {Symbol::batch, 2, Symbol::context, 16};
  return b.cached_attention(b.linear(x, b.parameter("q", {64, 64})),
                            b.linear(x, b.parameter("k", {32, 64})),
                            b.linear(x, b.parameter("v", {32, 64})), b.state("keys", cache),
                            b.state("values", cache), {4, 2, 16, {.theta = theta}});
}

namespace {

Value free_attention(Builder& b, Value x, Value other, const ir::AttentionOptions& options) {
  const int64_t kv_width = options.kv_head_count * options.head_dim;
  const int64_t other_width = b.shape(other).back().extent;
  return b.attention(b.linear(x, b.parameter("q", {64, 64})),
                     b.linear(other, b.parameter("k", {kv_width, other_width})),
                     b.linear(other, b.parameter("v", {kv_width, other_width})), options);
}

// Attention without caches, and pictures whose size each step tells.
void add_free_situations(std::vector<Situation>& all) {
  for (const bool causal : {false, true})
    all.push_back(situation(fmt::format("attention without caches{}", causal ? ", causal" : ""),
                            [&](Builder& b) {
                              const Value x = vector_input(b, 64);
                              return free_attention(b, x, x, {4, 4, 16, causal});
                            },
                            {5, 1, 3}));
  all.push_back(situation("attention to other tokens, by heads that share keys",
                          [](Builder& b) {
                            const Value x = vector_input(b, 64);
                            const Value other = b.input("other", ElementType::f32,
                                                        {Symbol::batch, Symbol::source, 64});
                            return free_attention(b, x, other, {4, 2, 16, false});
                          },
                          {4, 1, 9}));
  all.push_back(situation(
      "a picture of free size",
      [](Builder& b) {
        const Value x =
            b.input("x", ElementType::f32, {Symbol::batch, 8, Symbol::height, Symbol::width});
        const auto conv = [&](Value in, const std::string& name, int64_t out, int64_t groups) {
          const Value weight = b.parameter(name, {out, b.shape(in)[1].extent / groups, 3, 3});
          return b.batch_norm(
              b.conv2d(in, weight, {.padding = {1, 1, 1, 1}, .group_count = groups}),
              name + ".norm", 1e-3);
        };
        const Value y = b.relu6(conv(x, "first", 16, 1));
        const Value gate = b.sigmoid(b.global_average_pool(y));
        return b.add(conv(b.multiply(y, gate), "second", 8, 1), conv(x, "depthwise", 8, 8));
      },
      {3, 8}));
}

}  // namespace

std::vector<Situation> situations() {
  std::vector<Situation> all;
  add_free_situations(all);
  add_blocks(all);
  for (const int64_t width : {64, 576, 320, 256})  // 576 and 320 leave a tail in groups of 128
    all.push_back(situation(
        fmt::format("embedding of {}", width),
        [&](Builder& b) { return b.embedding(tokens_input(b), b.parameter("table", {40, width})); },
        {5}));
  for (const int64_t width : {64, 576, 1536, 48, 20, 512})
    all.push_back(situation(
        fmt::format("linear of {}", width),
        [&](Builder& b) { return b.linear(vector_input(b, width), b.parameter("w", {96, width})); },
        {1, 7}));
  all.push_back(situation("linear with bias",
                          [](Builder& b) {
                            return b.linear(vector_input(b, 128), b.parameter("w", {40, 128}),
                                            b.parameter("b", {40}));
                          },
                          {3}));
  all.push_back(situation("attention without rotary", [](Builder& b) { return attention(b, 0.0); },
                          {5, 1, 1}));
  all.push_back(situation("attention", [](Builder& b) { return attention(b, 1e4); }, {6, 1, 1, 1}));
  all.push_back(situation("norms and sums",
                          [](Builder& b) {
                            const Value x = vector_input(b, 64);
                            const Value y = b.add(b.silu(x), b.multiply(x, b.sigmoid(x)));
                            return b.add(b.rms_norm(y, "n.weight", 1e-5), y);
                          },
                          {4}));
  all.push_back(situation("selected positions",
                          [](Builder& b) {
                            const Value x = vector_input(b, 8);
                            const Value positions =
                                b.input("positions", ElementType::i64, {Symbol::selected});
                            return b.select_positions(x, positions);
                          },
                          {4}));
  struct Conv {
    std::string name;
    int64_t in, out, kernel, groups, stride;
  };
  for (const Conv& conv :
       {Conv{"3x3", 12, 16, 3, 1, 2}, Conv{"1x1", 96, 24, 1, 1, 1},
        Conv{"wide 1x1", 256, 8, 1, 1, 1}, Conv{"depthwise 3x3", 24, 24, 3, 24, 1},
        Conv{"depthwise 5x5", 6, 6, 5, 6, 2}})
    all.push_back(situation("convolution " + conv.name, [&](Builder& b) {
      const Value y =
          b.conv2d(picture_input(b, conv.in),
                   b.parameter("w", {conv.out, conv.in / conv.groups, conv.kernel, conv.kernel}),
                   {.stride = conv.stride, .padding = {0, 1, 1, 1}, .group_count = conv.groups});
      return b.relu6(b.batch_norm(y, "n", 1e-3));
    }));
  all.push_back(situation("pooling and classifier", [](Builder& b) {
    const Value x =
        b.conv2d(picture_input(b, 8), b.parameter("w", {32, 8, 1, 1}), {}, b.parameter("b", {32}));
    const Value pooled = b.global_average_pool(b.multiply(x, b.sigmoid(b.global_average_pool(x))));
    return b.linear(b.flatten(pooled), b.parameter("fc", {10, 32}), b.parameter("fb", {10}));
  }));
  all.push_back(situation("convolutions one after another", [](Builder& b) {
    const auto conv = [&](Value in, const std::string& name, int64_t out, int64_t kernel,
                          int64_t groups, int64_t stride) {
      const Value weight = b.parameter(name, {out, b.shape(in)[1].extent / groups, kernel, kernel});
      return b.conv2d(in, weight,
                      {.stride = stride, .padding = {0, 1, 1, 1}, .group_count = groups});
    };
    Value y = b.relu6(conv(picture_input(b, 12), "3x3", 24, 3, 1, 2));
    y = conv(y, "depthwise", 24, 3, 24, 2);
    y = conv(y, "wide 1x1", 200, 1, 1, 1);
    return b.linear(b.flatten(b.global_average_pool(y)), b.parameter("fc", {10, 200}));
  }));
  all.push_back(situation("inverted residual", [](Builder& b) {
    const Value x = picture_input(b, 8);
    const auto conv = [&](Value in, const std::string& name, int64_t out, int64_t kernel,
                          int64_t groups) {
      const int64_t pad = kernel / 2;
      const Value weight = b.parameter(name, {out, b.shape(in)[1].extent / groups, kernel, kernel});
      return b.batch_norm(
          b.conv2d(in, weight, {.padding = {pad, pad, pad, pad}, .group_count = groups}),
          name + ".norm", 1e-3);
    };
    Value y = b.relu6(conv(x, "expand", 48, 1, 1));
    y = b.relu6(conv(y, "depthwise", 48, 5, 48));
    y = b.add(conv(y, "project", 8, 1, 1), x);
    y = b.relu6(conv(y, "head", 32, 1, 1));
    return b.linear(b.flatten(b.global_average_pool(y)), b.parameter("fc", {10, 32}));
  }));
  for (const char* name : {"llama-test"})
    all.push_back({name, models::find_model(name)->build().value(), {9, 1, 1}});
  all.push_back(situation("values in another order",
                          [](Builder& b) {
                            std::vector<int64_t> order(64);
                            for (int64_t i = 0; i < 64; ++i)
                              order[static_cast<size_t>(i)] = i * 23 % 64;
                            const Value x = vector_input(b, 64);
                            return b.add(b.apply(ir::Op::reorder, {x}, {{"order", order}}),
                                         b.parameter("b", {64}));
                          },
                          {4}));
  return all;
}

constexpr Refusal refusal_rows[] = {
    {"onnxruntime", "mxfp4", Refused::scheme, "no kernels for mxfp4"},
    {"onnxruntime", "mxfp8", Refused::scheme, "no kernels for mxfp8"},
    {"onnxruntime", "nvfp4", Refused::scheme, "no kernels for nvfp4"},
    {"onnxruntime", "q4_1", Refused::convolutions, "DequantizeLinear takes no minimums"},
    {"onnxruntime", "q4_k", Refused::convolutions, "DequantizeLinear takes no minimums"},
    {"pytorch", "mxfp4", Refused::scheme, "no kernels for mxfp4"},
    {"pytorch", "mxfp8", Refused::scheme, "no kernels for mxfp8"},
    {"pytorch", "nvfp4", Refused::scheme, "no kernels for nvfp4"},
    {"pytorch", "8-bit activations", Refused::f32_results, "no integer convolution that gives f32",
     "onednn"},
    {"mlx", "8-bit activations", Refused::scheme, "no kernels that compute with 8-bit activations"},
    {"onnxruntime", "tables", Refused::weights, "no kernels for weights in tables"},
    {"pytorch", "tables", Refused::weights, "no kernels for weights in tables"},
    {"mlx", "tables", Refused::weights, "no kernels for weights in tables"},
    {"mlx", "q6_k", Refused::weights, "groups of 16"},
};

std::vector<const Refusal*> refusals() {
  const worker::Description described = engine().describe();
  std::vector<const Refusal*> rows;
  for (const Refusal& row : refusal_rows)
    if (row.framework == described.framework &&
        (row.without.empty() || !described.facts["kernels"][row.without].as_bool()))
      rows.push_back(&row);
  return rows;
}

namespace {

bool has_weights_stored_as(const Refusal& row, const bundle::Bundle& bundle) {
  return std::ranges::any_of(bundle.graph().nodes, [&](const ir::Node& node) {
    const bool may_be = row.what == Refused::weights || node.op == ir::Op::conv2d;
    if (!may_be || node.inputs.size() < 2 ||
        bundle.graph()[node.inputs[1]].kind != ir::ValueKind::parameter)
      return false;
    const bundle::Parameter& weight = bundle.parameter(node.inputs[1]);
    if (row.format == "tables") return weight.encoding == bundle::Encoding::table;
    return weight.encoding == bundle::Encoding::block &&
           ggml::row_of(weight.block).name == row.format;
  });
}

bool has_f32_results(const bundle::Bundle& bundle) {
  const auto is_measured = [&](ir::Value value) {
    return bundle.activation(value).mode == quant::Activations::measured;
  };
  return std::ranges::any_of(bundle.graph().nodes, [&](const ir::Node& node) {
    if (node.op != ir::Op::conv2d ||
        bundle.activation(node.inputs[0]).mode == quant::Activations::none ||
        bundle.parameter(node.inputs[1]).encoding != bundle::Encoding::packed)
      return false;
    const ir::Node* reader = bundle.graph().only_reader(node.output);
    const bool is_clipped = reader && ir::is_rectifier(reader->op);
    return !is_measured(is_clipped ? reader->output : node.output);
  });
}

}  // namespace

const Refusal* find_refusal(const bundle::Bundle& bundle) {
  for (const Refusal* row : refusals()) {
    const bool is_met = row->what == Refused::f32_results ? has_f32_results(bundle)
                        : row->what == Refused::scheme    ? false
                                                          : has_weights_stored_as(*row, bundle);
    if (is_met) return row;
  }
  const Refusal* refusal = find_refusal(bundle.scheme());
  return refusal && refusal->what == Refused::scheme ? refusal : nullptr;
}

const Refusal* find_refusal(const quant::Scheme& scheme) {
  for (const Refusal* row : refusals()) {
    const bool is_scheme =
        row->format == "8-bit activations" ? scheme.activations != quant::Activations::none
        : row->format == "tables"          ? scheme.weight_type == quant::WeightType::table
                                           : row->format == quant::base_of(scheme).name;
    const bool is_of_all = row->what == Refused::scheme || row->what == Refused::weights;
    if (is_scheme && is_of_all) return row;
  }
  return nullptr;
}

}  // namespace qb::parity
