#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/rng.h"
#include "compression/bundle/encode.h"
#include "compression/reference/interpreter.h"
#include "compression/reference/kernels.h"
#include "network/ir/builder.h"

using namespace qb;
using ir::Builder;
using ir::Symbol;
using ir::Value;

namespace {

namespace fs = std::filesystem;

// Builds an fp32 bundle of the graph with the given weights and keeps it while in scope.
struct Fixture {
  fs::path root = fs::temp_directory_path() / fmt::format("qb_reference_{}", ::getpid());
  bundle::Bundle bundle;

  Fixture(Builder& builder, const bundle::ParameterSource& source)
      : bundle(bundle::load_bundle(bundle::build_plain_bundle(root, builder.finish().value(),
                                                              quant::find_scheme("fp32").value(),
                                                              {.scheme = "fp32"}, source)
                                       .value())
                   .value()) {}
  ~Fixture() { fs::remove_all(root); }
};

Result<void> seeded(const ir::ValueInfo& info, std::span<float> out) {
  Rng rng(derive_seed(3, info.name));
  for (float& value : out) value = static_cast<float>(rng.normal()) * 0.2f;
  return {};
}

bundle::ParameterSource counting_from(float first) {
  return [first](const ir::ValueInfo&, std::span<float> out) -> Result<void> {
    std::iota(out.begin(), out.end(), first);
    return {};
  };
}

TensorView view(const std::vector<float>& values, const std::vector<int64_t>& shape) {
  return {ElementType::f32, shape, values.data()};
}
TensorView view(const std::vector<int64_t>& values, const std::vector<int64_t>& shape) {
  return {ElementType::i64, shape, values.data()};
}

std::vector<float> run_one(Fixture& fixture, const std::vector<float>& x,
                           const std::vector<int64_t>& shape) {
  reference::Interpreter interpreter(fixture.bundle, {});
  const auto done = interpreter.run({{view(x, shape)}}, 0);
  REQUIRE(done);
  const auto values = interpreter.outputs()[0].f32();
  return {values.begin(), values.end()};
}

void check_close(const std::vector<float>& got, const std::vector<float>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(wanted[i]).epsilon(1e-5));
}

}  // namespace

TEST_CASE("every operator has a kernel") {
  for (const ir::OperatorRow& row : ir::operators()) {
    CAPTURE(row.name);
    const bool has_kernel = reference::kernel_of(row.op) != nullptr;
    CHECK(has_kernel);
  }
}

TEST_CASE("linear is x times the transposed weight plus bias") {
  Builder b("g");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, 2});
  b.output(b.linear(x, b.parameter("w", {3, 2}), b.parameter("b", {3})));
  Fixture fixture(b, counting_from(1));  // w = [[1,2],[3,4],[5,6]], b = [1,2,3]
  check_close(run_one(fixture, {1.0f, -1.0f}, {1, 2}), {0.0f, 1.0f, 2.0f});
}

TEST_CASE("rounded by token, a linear's rows do not see each other") {
  const fs::path root = fs::temp_directory_path() / fmt::format("qb_reference_{}", ::getpid());
  Builder b("g");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, Symbol::sequence, 2});
  b.output(b.linear(x, b.parameter("w", {1, 2})));
  const ir::Graph graph = b.finish().value();
  const quant::Scheme scheme = quant::find_scheme("dyn8c:token").value();
  bundle::Encoder encoder(1);
  const std::vector<float> weight = {1.0f, 1.0f};
  const auto store = [&](ir::Value value) { return encoder.encode(graph, value, scheme, weight); };
  const bundle::Contents contents = {
      .graph = graph, .activations = {{x, {.mode = quant::Activations::by_token}}}, .store = store};
  const bundle::Bundle bundle =
      bundle::load_bundle(
          bundle::write_bundle(root, graph, {.scheme = scheme.name}, contents).value())
          .value();
  reference::Interpreter interpreter(bundle, {});
  const std::vector<float> values = {127.0f, 0.6f, 1.27f, 0.6f};  // steps of 1 and of 0.01
  const std::vector<int64_t> shape = {1, 2, 2};
  REQUIRE(interpreter.run({{view(values, shape)}}, 0));
  const auto out = interpreter.outputs()[0].f32();
  check_close({out.begin(), out.end()}, {128.0f, 1.87f});
  fs::remove_all(root);
}

TEST_CASE("convolution pads, strides and keeps groups apart") {
  Builder b("g");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, 2, 3, 3});
  b.output(b.conv2d(x, b.parameter("w", {2, 1, 2, 2}),
                    {.stride = 2, .padding = {0, 0, 1, 1}, .group_count = 2}));
  Fixture fixture(b, counting_from(1));  // group 0: [1,2,3,4], group 1: [5,6,7,8]
  std::vector<float> picture(18);
  std::iota(picture.begin(), picture.end(), 1.0f);
  // Group 0 at (0,0): 1*1 + 2*2 + 4*3 + 5*4 = 37; at (0,1): 3*1 + 6*3 = 21; and so on.
  check_close(
      run_one(fixture, picture, {1, 2, 3, 3}),
      {37, 21, 23, 9, 10 * 5 + 11 * 6 + 13 * 7 + 14 * 8, 12 * 5 + 15 * 7, 16 * 5 + 17 * 6, 18 * 5});
}

TEST_CASE("norms follow their formulas") {
  SUBCASE("rms") {
    Builder b("g");
    b.output(b.rms_norm(b.input("x", ElementType::f32, {Symbol::batch, 2}), "w", 0.0));
    Fixture fixture(b, counting_from(1));
    const float rms = std::sqrt((9.0f + 16.0f) / 2.0f);
    check_close(run_one(fixture, {3.0f, 4.0f}, {1, 2}), {3 / rms, 2 * 4 / rms});
  }
  SUBCASE("batch") {
    Builder b("g");
    b.output(b.batch_norm(b.input("x", ElementType::f32, {Symbol::batch, 1, 1, 2}), "n", 1.0));
    Fixture fixture(b, [](const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
      out[0] = info.name == "n.running_var" ? 3.0f : info.name == "n.running_mean" ? 1.0f : 5.0f;
      return {};
    });
    check_close(run_one(fixture, {1.0f, 3.0f}, {1, 1, 1, 2}), {5.0f, 10.0f});
  }
}

TEST_CASE("activations and broadcasting follow their formulas") {
  Builder b("g");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, 2, 1, 2});
  b.output(b.multiply(b.relu6(x), b.global_average_pool(b.add(b.silu(x), b.sigmoid(x)))));
  Fixture fixture(b, counting_from(0));
  const auto silu_plus_sigmoid = [](float v) { return (v + 1.0f) / (1.0f + std::exp(-v)); };
  const float first = (silu_plus_sigmoid(-1) + silu_plus_sigmoid(2)) / 2;
  const float second = (silu_plus_sigmoid(7) + silu_plus_sigmoid(0.5f)) / 2;
  check_close(run_one(fixture, {-1, 2, 7, 0.5f}, {1, 2, 1, 2}),
              {0, 2 * first, 6 * second, 0.5f * second});
}

namespace {

void build_attention(Builder& b) {
  const ir::Shape cache = {Symbol::batch, 2, Symbol::context, 4};
  const Value tokens = b.input("tokens", ElementType::i64, {Symbol::batch, Symbol::sequence});
  const Value x = b.embedding(tokens, b.parameter("e", {11, 16}));
  const Value q = b.linear(x, b.parameter("q", {16, 16}));
  const Value k = b.linear(x, b.parameter("k", {8, 16}));
  const Value v = b.linear(x, b.parameter("v", {8, 16}));
  b.output(b.cached_attention(
      q, k, v, b.state("kc", cache), b.state("vc", cache),
      {.head_count = 4, .kv_head_count = 2, .head_dim = 4, .rotary = {.theta = 100.0}}));
}

}  // namespace

TEST_CASE("decoding token by token equals one prefill") {
  Builder b("g");
  build_attention(b);
  Fixture fixture(b, seeded);
  const std::vector<int64_t> tokens = {1, 5, 2, 9, 0, 7};
  reference::Interpreter whole(fixture.bundle, {.context_tokens = 6});
  REQUIRE(whole.run({{view(tokens, {1, 6})}}, 0));
  const auto expected = whole.outputs()[0].f32();
  reference::Interpreter steps(fixture.bundle, {.context_tokens = 6});
  for (int64_t i = 0; i < 6; ++i) {
    const std::vector<int64_t> token = {tokens[static_cast<size_t>(i)]};
    REQUIRE(steps.run({{view(token, {1, 1})}}, i));
    const auto got = steps.outputs()[0].f32();
    for (size_t j = 0; j < 16; ++j)
      CHECK(got[j] == doctest::Approx(expected[static_cast<size_t>(i) * 16 + j]).epsilon(1e-5));
  }
}

TEST_CASE("weights decoded when a node reads them give the same values, run after run") {
  Builder b("g");
  build_attention(b);
  const ir::Graph graph = b.finish().value();
  const fs::path root = fs::temp_directory_path() / fmt::format("qb_late_{}", ::getpid());
  const auto folder = bundle::build_plain_bundle(root, graph, quant::find_scheme("w8c").value(),
                                                 {.scheme = "w8c"}, seeded);
  REQUIRE(folder);
  const bundle::Bundle bundle = bundle::load_bundle(*folder).value();
  const std::vector<int64_t> tokens = {1, 5, 2, 9};
  reference::Interpreter whole(bundle, {.context_tokens = 8});
  reference::Interpreter late(bundle, {.context_tokens = 8, .decodes_late = true});
  for (int64_t past = 0; past < 8; past += 4) {
    REQUIRE(whole.run({{view(tokens, {1, 4})}}, past));
    REQUIRE(late.run({{view(tokens, {1, 4})}}, past));
    const auto expected = whole.outputs()[0].f32();
    const auto got = late.outputs()[0].f32();
    CHECK(std::ranges::equal(got, expected));
  }
  fs::remove_all(root);
}

TEST_CASE("attention sees relative positions only, and no future token") {
  Builder b("g");
  build_attention(b);
  Fixture fixture(b, seeded);
  reference::Interpreter interpreter(fixture.bundle, {.context_tokens = 4});
  const std::vector<int64_t> same = {3, 3, 3, 3};
  REQUIRE(interpreter.run({{view(same, {1, 4})}}, 0));
  // Equal values everywhere: whatever the weights of attention, every output is that value.
  const auto out = interpreter.outputs()[0].f32();
  for (size_t i = 16; i < 64; ++i) CHECK(out[i] == doctest::Approx(out[i % 16]).epsilon(1e-5));
  const std::vector<float> first(out.begin(), out.begin() + 16);
  const std::vector<int64_t> other = {3, 8, 1, 6};
  REQUIRE(interpreter.run({{view(other, {1, 4})}}, 0));
  check_close({interpreter.outputs()[0].f32().begin(), interpreter.outputs()[0].f32().begin() + 16},
              first);
}

TEST_CASE("inputs that don't fit are refused") {
  Builder b("g");
  build_attention(b);
  Fixture fixture(b, seeded);
  reference::Interpreter interpreter(fixture.bundle, {.context_tokens = 4});
  struct Row {
    std::vector<int64_t> tokens;
    int64_t past_tokens;
    std::string reason;
  };
  const Row rows[] = {{{11}, 0, "outside the vocabulary"},
                      {{-1}, 0, "outside the vocabulary"},
                      {{1, 2}, 3, "do not fit a cache"}};
  for (const Row& row : rows) {
    const std::vector<int64_t> shape = {1, static_cast<int64_t>(row.tokens.size())};
    const auto done = interpreter.run({{view(row.tokens, shape)}}, row.past_tokens);
    REQUIRE_FALSE(done);
    CHECK(done.error().message.find(row.reason) != std::string::npos);
  }
  CHECK_FALSE(interpreter.run({}, 0));
}
