#include <doctest/doctest.h>

#include <cmath>

#include "network/ir/builder.h"
#include "network/ir/canonical.h"

using namespace qb;
using namespace qb::ir;

namespace {

Result<Graph> small_graph() {
  Builder b("small");
  const Value tokens = b.input("tokens", ElementType::i64, {Symbol::batch, Symbol::sequence});
  const Value table = b.parameter("table", {10, 8});
  Value x = b.embedding(tokens, table);
  x = b.rms_norm(x, "norm.weight", 1e-5);
  b.output(b.linear(x, b.parameter("table", {10, 8})));
  return b.finish();
}

// The same network, written in two ways that a compiler could also make of nested calls: from the
// front, each thing where it is needed; from the back, everything before it is needed.
Graph written_from_the_front() {
  Builder b("two ways");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, Symbol::sequence, 8});
  const Value kept = b.input("kept", ElementType::i64, {Symbol::selected});
  const Value q = b.linear(x, b.parameter("q", {8, 8}));
  const Value k = b.linear(x, b.parameter("k", {8, 8}));
  const Value key_cache = b.state("key_cache", {Symbol::batch, 2, Symbol::context, 4});
  const Value value_cache = b.state("value_cache", {Symbol::batch, 2, Symbol::context, 4});
  const Value attended = b.cached_attention(q, k, k, key_cache, value_cache, {2, 2, 4, {1e4}});
  const Value normed = b.rms_norm(b.add(x, attended), "norm", 1e-5);
  const Value gate =
      b.sigmoid(b.linear(normed, b.parameter("gate", {8, 8}), b.parameter("b", {8})));
  const Value up = b.linear(normed, b.parameter("q", {8, 8}));
  b.output(b.select_positions(b.multiply(gate, up), kept), "chosen");
  b.output(normed, "all");
  return b.finish().value();
}

Graph written_from_the_back() {
  Builder b("two ways");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, Symbol::sequence, 8});
  const Value kept = b.input("kept", ElementType::i64, {Symbol::selected});
  const Value bias = b.parameter("b", {8});
  const Value gate_weight = b.parameter("gate", {8, 8});
  b.silu(b.linear(x, b.parameter("tried and dropped", {8, 8})));
  const Value value_cache = b.state("value_cache", {Symbol::batch, 2, Symbol::context, 4});
  const Value key_cache = b.state("key_cache", {Symbol::batch, 2, Symbol::context, 4});
  const Value k = b.linear(x, b.parameter("k", {8, 8}));
  const Value q = b.linear(x, b.parameter("q", {8, 8}));
  const Value attended = b.cached_attention(q, k, k, key_cache, value_cache, {2, 2, 4, {1e4}});
  const Value normed = b.rms_norm(b.add(x, attended), "norm", 1e-5);
  const Value up = b.linear(normed, b.parameter("q", {8, 8}));
  const Value gate = b.linear(normed, gate_weight, bias);
  b.output(b.select_positions(b.multiply(b.sigmoid(gate), up), kept), "chosen");
  b.output(normed, "all");
  return b.finish().value();
}

}  // namespace

TEST_CASE("the order of the builder's calls leaves no trace in the graph") {
  const Graph front = written_from_the_front();
  const Graph back = written_from_the_back();
  CHECK(print(front) == print(back));
  CHECK(to_json(front) == to_json(back));
  CHECK(print(back).find("dropped") == std::string::npos);
  CHECK(print(in_canonical_order(front)) == print(front));
}

TEST_CASE("inputs and outputs stay as they are declared, whatever is computed first") {
  const auto text = [](bool is_swapped) {
    Builder b("interface");
    const std::string first = is_swapped ? "b" : "a";
    const std::string second = is_swapped ? "a" : "b";
    const Value x = b.input(first, ElementType::f32, {4});
    const Value y = b.input(second, ElementType::f32, {4});
    b.input("unread", ElementType::f32, {4});
    b.output(b.add(is_swapped ? y : x, is_swapped ? x : y));
    return print(b.finish().value());
  };
  CHECK(text(false).find("input a f32[4]\n  input b f32[4]\n  input unread") != std::string::npos);
  CHECK(text(true).find("input b f32[4]\n  input a f32[4]\n  input unread") != std::string::npos);
  CHECK(text(true).find("add(a, b)") != std::string::npos);
}

TEST_CASE("a cache that two nodes update is refused: nothing says which is first") {
  Builder b("shared");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, Symbol::sequence, 8});
  const Value cache = b.state("cache", {Symbol::batch, 2, Symbol::context, 4});
  const Value values = b.state("values", {Symbol::batch, 2, Symbol::context, 4});
  const Value y = b.cached_attention(x, x, x, cache, values, {2, 2, 4, {1e4}});
  const Value others = b.state("others", {Symbol::batch, 2, Symbol::context, 4});
  b.output(b.cached_attention(y, y, y, cache, others, {2, 2, 4, {1e4}}));
  const auto graph = b.finish();
  REQUIRE_FALSE(graph);
  CHECK(graph.error().message.find("state \"cache\" is updated more than once") !=
        std::string::npos);
}

TEST_CASE("a graph prints one line for each value and node") {
  const auto graph = small_graph();
  REQUIRE(graph);
  CHECK(print(*graph) ==
        "graph small\n"
        "  input tokens i64[batch, sequence]\n"
        "  parameter table f32[10, 8]\n"
        "  parameter norm.weight f32[8]\n"
        "  embedding_0 = embedding(tokens, table) [batch, sequence, 8]\n"
        "  rms_norm_1 = rms_norm(embedding_0, norm.weight; epsilon=1e-05) [batch, sequence, 8]\n"
        "  linear_2 = linear(rms_norm_1, table) [batch, sequence, 10]\n"
        "  output linear_2\n");
}

TEST_CASE("who computes a value, and how often it is read, outputs counted") {
  Builder b("reads");
  const Value x = b.input("x", ElementType::f32, {4});
  const Value y = b.silu(x);
  const Value z = b.add(y, y);
  b.output(y);
  b.output(z);
  const Graph graph = b.finish().value();  // written in canonical order: the values are the same
  CHECK(graph.producer_of(x) == nullptr);
  CHECK(graph.producer_of(z) == &graph.nodes[1]);
  CHECK(graph.use_count(x) == 1);
  CHECK(graph.use_count(y) == 3);
  CHECK(graph.use_count(z) == 1);
  CHECK(graph.is_output(y));
  CHECK_FALSE(graph.is_output(x));
  CHECK(graph.only_reader(x) == &graph.nodes[0]);
  CHECK(graph.only_reader(y) == nullptr);  // a node reads it, but so does who asks for it
}

TEST_CASE("outputs are found by their names, which survive JSON; without any, nothing is written") {
  Builder b("towers");
  const Value x = b.input("x", ElementType::f32, {4});
  b.output(b.silu(x), "text");
  b.output(b.sigmoid(x), "picture");
  const Graph graph = b.finish().value();
  const Graph again = graph_from_json(parse_json(dump_json(to_json(graph))).value()).value();
  CHECK(again.find_output("picture").value() == 1);
  CHECK(print(again).find("output sigmoid_1 as picture") != std::string::npos);
  const auto missing = again.find_output("sound");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("\"text\", \"picture\"") != std::string::npos);
  CHECK(dump_json(to_json(small_graph().value())).find("output_names") == std::string::npos);
  Builder twice("twice");
  const Value y = twice.input("y", ElementType::f32, {4});
  twice.output(twice.silu(y), "same");
  twice.output(twice.sigmoid(y), "same");
  CHECK_FALSE(twice.finish());
}

TEST_CASE("a free height and width stay where padding makes up for the kernel, else a reason") {
  struct Row {
    int64_t stride;
    std::vector<int64_t> padding;
    bool stays;
  };
  const Row rows[] = {{1, {1, 1, 1, 1}, true},
                      {1, {2, 2, 0, 0}, true},
                      {2, {1, 1, 1, 1}, false},
                      {1, {0, 0, 0, 0}, false}};
  for (const Row& row : rows) {
    Builder b("free");
    const Value x =
        b.input("x", ElementType::f32, {Symbol::batch, 3, Symbol::height, Symbol::width});
    const Value y =
        b.conv2d(x, b.parameter("w", {8, 3, 3, 3}), {.stride = row.stride, .padding = row.padding});
    CHECK((b.shape(y) == Shape{Symbol::batch, 8, Symbol::height, Symbol::width}) == row.stays);
    b.output(y);
    const auto graph = b.finish();
    CHECK(graph.has_value() == row.stays);
    if (!graph) CHECK(graph.error().message.find("free height") != std::string::npos);
  }
}

TEST_CASE("attention takes tokens of two kinds, but causal only its own") {
  const auto attend = [](bool is_causal, Symbol other) {
    Builder b("attention");
    const Value q = b.input("q", ElementType::f32, {Symbol::batch, Symbol::sequence, 32});
    const Value k = b.input("k", ElementType::f32, {Symbol::batch, other, 16});
    b.output(b.attention(q, k, k, {4, 2, 8, is_causal}));
    return b.finish();
  };
  CHECK(attend(false, Symbol::source));
  CHECK(attend(true, Symbol::sequence));
  CHECK_FALSE(attend(true, Symbol::source));
}

TEST_CASE("attention's mask hides keys, so it is as long as they are, and not for causal ones") {
  const auto attend = [](bool is_causal, Symbol masked) {
    Builder b("attention");
    const Value q = b.input("q", ElementType::f32, {Symbol::batch, Symbol::sequence, 32});
    const Value mask = b.input("mask", ElementType::i64, {Symbol::batch, masked});
    b.output(b.attention(q, q, q, {4, 4, 8, is_causal}, mask));
    return b.finish();
  };
  CHECK(attend(false, Symbol::sequence));
  CHECK_FALSE(attend(false, Symbol::source));
  CHECK_FALSE(attend(true, Symbol::sequence));
}

TEST_CASE("attributes that say what is the rule anyway are not written") {
  const Attributes plain = attributes_of(
      CachedAttentionOptions{.head_count = 2, .kv_head_count = 1, .head_dim = 8, .rotary = {1e4}});
  CHECK(plain.items().size() == 4);
  const CachedAttentionOptions read = cached_attention_options(plain);
  CHECK(read.rotary.dims == 8);
  CHECK(read.rotary.magnitude == 1.0);
  CHECK(read.scale == doctest::Approx(1.0 / std::sqrt(8.0)));
  const CachedAttentionOptions all = {2, 1, 8, {1e4, 4, {1.0, 2.0}, 1.5}, 0.25, 3, 30.0};
  const CachedAttentionOptions again = cached_attention_options(attributes_of(all));
  CHECK(again.rotary == all.rotary);
  CHECK(again.scale == 0.25);
  CHECK(again.window_tokens == 3);
  CHECK(again.softcap == 30.0);
}

TEST_CASE("rotary embedding that a head has no room for is refused") {
  struct Row {
    RotaryOptions rotary;
    bool fits;
  };
  const Row rows[] = {
      {{1e4}, true},      {{1e4, 4}, true},          {{1e4, 4, {1.0, 2.0}}, true},
      {{1e4, 10}, false}, {{1e4, 3}, false},         {{1e4, 4, {1.0}}, false},
      {{1e4, -2}, false}, {{0.0, 0, {}, 1.0}, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.rotary.dims);
    Builder b("rotary");
    const Shape cache = {Symbol::batch, 2, Symbol::context, 8};
    const Value x = b.input("x", ElementType::f32, {Symbol::batch, Symbol::sequence, 16});
    b.output(b.cached_attention(x, x, x, b.state("k", cache), b.state("v", cache),
                                {2, 2, 8, row.rotary}));
    CHECK(b.finish().has_value() == row.fits);
  }
}

TEST_CASE("a graph survives JSON exactly") {
  const auto graph = small_graph();
  REQUIRE(graph);
  const auto again = graph_from_json(parse_json(dump_json(to_json(*graph))).value());
  REQUIRE(again);
  CHECK(print(*again) == print(*graph));
  CHECK(to_json(*again) == to_json(*graph));
}

TEST_CASE("the builder keeps the first error and names the node") {
  Builder b("broken");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, 4});
  const Value y = b.linear(x, b.parameter("w", {3, 5}));
  b.output(b.add(y, y));
  const auto graph = b.finish();
  REQUIRE_FALSE(graph);
  CHECK(graph.error().message == "broken: linear_0: input has 4 features, weight takes 5");
}

TEST_CASE("any operator is applied by its row, and one of too few inputs is an error") {
  Builder b("rows");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, 4});
  CHECK(b.shape(b.apply(Op::sigmoid, {x})) == Shape{Symbol::batch, 4});
  b.output(b.apply(Op::add, {x}));
  const auto graph = b.finish();
  REQUIRE_FALSE(graph);
  CHECK(graph.error().message == "rows: add_1: takes 2 inputs, has 1");
}

TEST_CASE("every operator has a row that refuses inconsistent inputs") {
  const Shape odd = {7, 7, 7, 7, 7};
  for (const OperatorRow& row : operators()) {
    CAPTURE(row.name);
    CHECK(parse_op(row.name).value() == row.op);
    if (row.input_count == 1 && row.op != Op::global_average_pool) continue;  // any shape will do
    std::vector<Shape> shapes(row.input_count, odd);
    shapes[0] = {2, 3};
    CHECK_FALSE(row.infer_shape(shapes, {}));
  }
}

TEST_CASE("a graph that lies is refused") {
  struct Row {
    std::string name;
    void (*spoil)(Graph&);
    std::string reason;
  };
  const Row rows[] = {
      {"duplicate name", [](Graph& g) { g.values[1].name = "tokens"; }, "no name of its own"},
      {"dangling input", [](Graph& g) { g.nodes[0].inputs[1] = {99}; }, "not computed before"},
      {"later input", [](Graph& g) { g.nodes[0].inputs[0] = g.nodes[1].output; }, "not computed"},
      {"wrong shape", [](Graph& g) { g.values[5].shape = {1}; }, "declared"},
      {"negative shape", [](Graph& g) { g.values[1].shape = {-1, 8}; }, "has shape"},
      {"missing attribute", [](Graph& g) { g.nodes[1].attributes = {}; }, "attribute epsilon"},
      {"no output", [](Graph& g) { g.outputs.clear(); }, "no output"},
      {"unknown output", [](Graph& g) { g.outputs = {{-5}}; }, "never computed"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Graph graph = small_graph().value();
    row.spoil(graph);
    const auto verdict = verify(graph);
    REQUIRE_FALSE(verdict);
    CAPTURE(verdict.error().message);
    CHECK(verdict.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("convolution shapes follow stride and padding") {
  Builder b("conv");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, 4, 9, 9});
  const Value y = b.conv2d(x, b.parameter("w", {4, 1, 3, 3}),
                           {.stride = 2, .padding = {0, 0, 1, 1}, .group_count = 4});
  CHECK(b.shape(y) == Shape{Symbol::batch, 4, 4, 4});
}
