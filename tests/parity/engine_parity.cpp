// Table-wide parity: one engine against the reference interpreter, on the same bits: every operator
// in every scheme, caches step by step, and whole models. Built once for each engine.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "bundle/tensor_file.h"
#include "compress/compress.h"
#include "ir/builder.h"
#include "models/models.h"
#include "quant/scheme.h"
#include "reference/interpreter.h"
#include "worker/engine.h"

using namespace qb;
using ir::Builder;
using ir::Symbol;
using ir::Value;
namespace fs = std::filesystem;

namespace {

const fs::path root = fs::temp_directory_path() / fmt::format("qb_parity_{}", ::getpid());
struct RemoveAtExit {
  ~RemoveAtExit() { fs::remove_all(root); }
} remove_at_exit;

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

// Calibration input for a network: 3 batches of seeded values, or of tokens.
compress::CalibrationSet calibration_for(const ir::Graph& graph) {
  const fs::path file = root / (graph.name + ".tensors");
  fs::create_directories(root);
  const auto input = graph.of_kind(ir::ValueKind::input)[0];
  Rng rng(23);
  std::vector<int64_t> shape = ir::bind(graph[input].shape, {.batch = 3, .sequence = 9});
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

Result<bundle::Bundle> build(const ir::Graph& graph, const quant::Scheme& scheme) {
  compress::Job job = {
      .model = {graph, seeded}, .scheme = scheme, .source_hash = graph.name, .root = root};
  if (scheme.needs_calibration()) job.calibration = calibration_for(graph);
  QB_TRY(const fs::path folder, compress::build_bundle(job));
  return bundle::load_bundle(folder);
}

bundle::Bundle bundle_of(const ir::Graph& graph, const quant::Scheme& scheme) {
  auto bundle = build(graph, scheme);
  REQUIRE(bundle);
  return *std::move(bundle);
}

// The inputs of one step, with their memory.
struct Step {
  int64_t past_tokens = 0;
  std::vector<std::vector<float>> reals;
  std::vector<std::vector<int64_t>> integers;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<TensorView> tensors;
};

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
      const bool is_position = graph[inputs[i]].name == "positions";
      for (size_t j = 0; j < count; ++j)
        step.integers[i].push_back(is_position ? static_cast<int64_t>(j)
                                               : static_cast<int64_t>(rng.below(40)));
      step.tensors.push_back({ElementType::i64, step.shapes[i], step.integers[i].data()});
    }
  }
  return step;
}

double relative_rms(std::span<const float> wanted, std::span<const float> got) {
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

// What an engine may differ by is what it says that it computes in. f32 differs by the order of
// sums only. 16-bit floats round each activation, and the scales where they are 16 bits too, by up
// to 2^-9 (bf16) or 2^-12 (f16) of itself. Products that round activations to 8 bits in blocks: up
// to 1/254 of the block's largest value each, which for normal values is about 0.6 % of their RMS;
// depth adds such errors. With 8-bit activations the reference rounds as the kernel does, but a
// value that lies on the border between two codes may fall either way after a sum in another order:
// a whole step, of which there are 255 in the range.
double tolerance_of(const ir::Graph& graph, const quant::Scheme& scheme,
                    const std::string& compute_type) {
  const auto says = [&](std::string_view word) {
    return compute_type.find(word) != std::string::npos;
  };
  const bool rounds_input = scheme.activations != quant::Activations::none &&
                            (uses(graph, ir::Op::linear) || uses(graph, ir::Op::conv2d));
  if (!rounds_input && !says("int8") && !says("bf16")) return says("in f16") ? 4e-3 : 2e-5;
  return graph.nodes.size() > 10 ? 6e-2 : 1.5e-2;
}

// Networks that the compression can't calibrate alone: their input is neither tokens nor pictures.
bool can_calibrate(const ir::Graph& graph) {
  const ir::ValueInfo& input = graph[graph.of_kind(ir::ValueKind::input)[0]];
  const bool is_text = input.name == "tokens" && graph.of_kind(ir::ValueKind::input).size() == 2;
  return is_text || input.shape.size() == 4;
}

// Whether the engine says that it runs the scheme.
bool is_offered(const quant::Scheme& scheme) {
  static const worker::Description description = engine().describe();
  const std::string& base = quant::base_of(scheme).name;
  return scheme.weight_type == quant::WeightType::mixed ||
         std::ranges::any_of(description.schemes,
                             [&](const auto& offered) { return offered.first == base; });
}

struct Situation {
  std::string name;
  ir::Graph graph;
  std::vector<int64_t> step_tokens = {1};  // tokens of each step
};

template <typename Build>
Situation situation(std::string name, Build build, std::vector<int64_t> steps = {1}) {
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
                            b.state("values", cache), {4, 2, 16, theta});
}

std::vector<Situation> situations() {
  std::vector<Situation> all;
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
                            return b.select_positions(
                                vector_input(b, 8),
                                b.input("positions", ElementType::i64, {Symbol::selected}));
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
  return all;
}

}  // namespace

TEST_CASE("every operator in every scheme agrees with the reference of the same bits") {
  REQUIRE_MESSAGE(engine().describe().available, engine().describe().reason);
  double worst = 0;
  for (const Situation& s : situations()) {
    for (const quant::Scheme& scheme : quant::schemes()) {
      if (scheme.needs_calibration() && !can_calibrate(s.graph)) continue;
      const auto built = build(s.graph, scheme);
      if (!built &&
          built.error().code == Errc::unsupported) {  // an option without use, or too few bits
        CHECK((
            scheme.options != 0 || scheme.weight_type == quant::WeightType::mixed ||
            (scheme.activations == quant::Activations::by_token && uses(s.graph, ir::Op::conv2d))));
        continue;
      }
      CAPTURE((built ? "" : built.error().message));
      REQUIRE(built);
      for (const int64_t batch : {1, 2}) {
        CAPTURE(s.name);
        CAPTURE(scheme.name);
        CAPTURE(batch);
        const bundle::Bundle& bundle = *built;
        reference::Interpreter reference(bundle, {batch, 16});
        auto session = engine().compile(
            bundle, {.device = "cpu", .thread_count = 2, .batch = batch, .context_tokens = 16});
        if (!session && session.error().code == Errc::unsupported) {
          // Nothing else may be refused: a kernel that got lost must not read as a pass.
          const bool is_blocked_convolution =
              scheme.weight_type == quant::WeightType::block && uses(s.graph, ir::Op::conv2d);
          CHECK((!is_offered(scheme) || is_blocked_convolution));
          MESSAGE(s.name, " in ", scheme.name, ": ", session.error().message);
          continue;
        }
        CAPTURE((session ? "" : session.error().message));
        REQUIRE(session);
        const double tolerance =
            tolerance_of(s.graph, scheme, (*session)->actual()["compute_type"].as_string());
        Rng rng(11);
        int64_t past = 0;
        for (const int64_t tokens : s.step_tokens) {
          const Step step =
              step_of(s.graph, {.batch = batch, .sequence = tokens, .selected = tokens}, past, rng);
          REQUIRE(reference.run(step.tensors, past));
          const auto done = (*session)->run({step.tensors, past});
          CAPTURE((done ? "" : done.error().message));
          REQUIRE(done);
          const double error =
              relative_rms(reference.outputs()[0].f32(), (*session)->outputs()[0].f32());
          worst = std::max(worst, error / tolerance);
          CHECK(error <= tolerance);
          past += tokens;
        }
      }
    }
  }
  MESSAGE("worst error: ", worst, " of its tolerance");
}

// One product's input is rounded to the same codes everywhere, and sums of codes are exact in
// integers: only the scaling of the sums may differ. One code that falls otherwise is 1e-3 here.
TEST_CASE("a linear alone rounds what it reads to the very codes of the reference") {
  constexpr size_t width = 576;
  constexpr size_t row_count = 9;
  constexpr float step = 0.03125f;
  std::vector<float> with_outliers(width * row_count);
  std::vector<float> halves(width * row_count);  // of the step, in a range of exactly 255 or 127
  Rng rng(29);
  for (size_t i = 0; i < halves.size(); ++i) {
    with_outliers[i] = static_cast<float>(rng.normal()) * (i % 500 == 3 ? 300.0f : 1.0f);
    halves[i] = (static_cast<float>(rng.below(100)) - 49.5f) * step;
  }
  for (const std::string name : {"dyn8c", "dyn8t", "dyn8c:token", "dyn8t:token"}) {
    CAPTURE(name);
    const quant::Scheme scheme = quant::find_scheme(name).value();
    const bool is_by_token = scheme.activations == quant::Activations::by_token;
    for (size_t row = 0; row < row_count; ++row) {
      halves[row * width] = (is_by_token ? 127.0f : 200.0f) * step;
      halves[row * width + 1] = (is_by_token ? -127.0f : -55.0f) * step;
    }
    const Situation s = situation("one linear", [](Builder& b) {
      return b.linear(vector_input(b, width), b.parameter("w", {96, width}));
    });
    const bundle::Bundle bundle = bundle_of(s.graph, scheme);
    reference::Interpreter reference(bundle, {});
    auto session = engine().compile(bundle, {.device = "cpu", .thread_count = 2});
    CHECK(session.has_value() == is_offered(scheme));
    if (!session) continue;
    for (const std::vector<float>& values : {with_outliers, halves}) {
      const int64_t shape[] = {1, row_count, width};
      const TensorView x = {ElementType::f32, shape, values.data()};
      REQUIRE(reference.run({&x, 1}, 0));
      REQUIRE((*session)->run({{&x, 1}, 0}));
      CHECK(relative_rms(reference.outputs()[0].f32(), (*session)->outputs()[0].f32()) <= 3e-6);
    }
  }
}

TEST_CASE("several tokens after others see what is in the caches, and not each other's future") {
  const Situation s =
      situation("chunks", [](Builder& b) { return attention(b, 1e4); }, {6, 1, 3, 1});
  const bundle::Bundle bundle = bundle_of(s.graph, quant::find_scheme("fp32").value());
  reference::Interpreter reference(bundle, {1, 16});
  auto session = engine().compile(bundle, {.device = "cpu", .context_tokens = 16});
  REQUIRE(session);
  Rng rng(7);
  int64_t past = 0;
  for (const int64_t tokens : s.step_tokens) {
    const Step step = step_of(s.graph, {.sequence = tokens}, past, rng);
    REQUIRE(reference.run(step.tensors, past));
    REQUIRE((*session)->run({step.tensors, past}));
    CHECK(relative_rms(reference.outputs()[0].f32(), (*session)->outputs()[0].f32()) <= 2e-5);
    past += tokens;
  }
}

TEST_CASE("every thread count gives the same answers") {
  const bundle::Bundle bundle = bundle_of(models::find_model("llama-test")->build().value(),
                                          quant::find_scheme("w4g32").value());
  std::vector<float> first;
  for (const int64_t thread_count : {1, 2, 3}) {
    auto session = engine().compile(
        bundle, {.device = "cpu", .thread_count = thread_count, .context_tokens = 16});
    REQUIRE(session);
    Rng rng(3);
    const Step step = step_of(bundle.graph(), {.sequence = 8, .selected = 8}, 0, rng);
    REQUIRE((*session)->run({step.tensors, 0}));
    const auto logits = (*session)->outputs()[0].f32();
    if (first.empty()) first.assign(logits.begin(), logits.end());
    CHECK(relative_rms(first, logits) < 1e-6);
  }
}

TEST_CASE("what can't be done is unsupported, with the reason, or a plain error") {
  const bundle::Bundle bundle = bundle_of(models::find_model("llama-test")->build().value(),
                                          quant::find_scheme("fp32").value());
  const auto elsewhere = engine().compile(bundle, {.device = "moon"});
  REQUIRE_FALSE(elsewhere);
  CHECK(elsewhere.error().code == Errc::unsupported);
  CHECK(elsewhere.error().message.find("moon") != std::string::npos);
  auto session = engine().compile(bundle, {.device = "cpu", .context_tokens = 4});
  REQUIRE(session);
  Rng rng(3);
  const Step step = step_of(bundle.graph(), {.sequence = 5, .selected = 1}, 0, rng);
  CHECK_FALSE((*session)->run({step.tensors, 0}));
  CHECK_FALSE((*session)->run({{}, 0}));
}
