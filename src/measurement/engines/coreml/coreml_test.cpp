#include <doctest/doctest.h>

#include <array>

#include "measurement/engines/coreml/emit.h"
#include "measurement/engines/coreml/program.h"
#include "measurement/engines/coreml/shares.h"
#include "measurement/engines/coreml/strided.h"
#include "network/ir/builder.h"

namespace qb::coreml {
namespace {

TEST_CASE("shares are weighted by cost, not by number") {
  const std::vector<PlannedOperation> plan = {{"const", "", 0.0},
                                              {"add", "cpu", 0.1},
                                              {"mul", "cpu", 0.1},
                                              {"conv", "ane", 0.6},
                                              {"odd", "", 0.2}};
  const auto shares = shares_of(plan);
  REQUIRE(shares.size() == 3);
  CHECK(shares[0].unit == "ane");
  CHECK(shares[0].cost == doctest::Approx(0.6));
  CHECK(shares[1].cost + shares[2].cost == doctest::Approx(0.4));
  CHECK(shares_of({}).empty());
}

TEST_CASE("rows that lie further apart than they are long") {
  const std::array<float, 8> padded = {1, 2, 3, -1, 4, 5, 6, -1};
  std::array<float, 6> dense = {};
  const std::array<int64_t, 2> shape = {2, 3};
  const std::array<int64_t, 2> from = {4, 1};
  const std::array<int64_t, 2> to = {3, 1};
  copy_strided(shape, sizeof(float), reinterpret_cast<const std::byte*>(padded.data()), from,
               reinterpret_cast<std::byte*>(dense.data()), to);
  CHECK(dense == std::array<float, 6>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("names that Core ML takes") {
  CHECK(identifier("model.layers.0.weight") == "model_layers_0_weight");
  CHECK(identifier("0.weight") == "_0_weight");
  CHECK(identifier("") == "_");
}

TEST_CASE("targets") {
  quant::Scheme fp32;
  quant::Scheme w4g32 = quant::find_scheme("w4g32").value();
  CHECK(parse_target("", fp32)->compute == Type::f32);
  CHECK(parse_target("ios18", w4g32)->compute == Type::f16);
  CHECK(parse_target("ios18:f32", w4g32)->compute == Type::f32);
  CHECK(parse_target("macos26", fp32)->row.specification == 10);
  CHECK_FALSE(parse_target("ios17", fp32)->is_of_2024());
  for (const char* text : {"ios16", "ios18:", "ios18:bf16", ":f16x", "macos"})
    CHECK(parse_target(text, fp32).error().message.find("macos15") != std::string::npos);
}

ir::Graph classifier() {
  ir::Builder b("classifier");
  const ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, 8, ir::Symbol::height, 4});
  b.output(b.global_average_pool(x));
  return b.finish().value();
}

TEST_CASE("functions are planned by the extents that are given") {
  const Target target = parse_target("ios18", {}).value();
  const Target older = parse_target("ios17", {}).value();
  const ir::Graph graph = classifier();
  CHECK(plan_functions(graph, target, {}).error().message.find("--extent height=N") !=
        std::string::npos);
  const auto one = plan_functions(graph, older, {.extents = {{ir::Symbol::height, {6}}}});
  REQUIRE(one);
  CHECK(one->at(0).name == "main");
  const worker::EmitOptions several = {.extents = {{ir::Symbol::height, {6, 9}}}};
  const auto two = plan_functions(graph, target, several);
  REQUIRE(two);
  CHECK(two->at(1).name == "height_9");
  CHECK(two->at(1).extents.of(ir::Symbol::height) == 9);
  CHECK_FALSE(plan_functions(graph, older, several));
  CHECK_FALSE(plan_functions(
      graph, target, {.extents = {{ir::Symbol::height, {6, 9}}, {ir::Symbol::batch, {1, 2}}}}));
}

TEST_CASE("a network with caches has a function for one token and one for each prompt") {
  const Target target = parse_target("ios18", {}).value();
  ir::Builder b("decoder");
  const ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, ir::Symbol::sequence, 32});
  const ir::Shape cache = {ir::Symbol::batch, 2, ir::Symbol::context, 16};
  b.output(b.cached_attention(x, x, x, b.state("keys", cache), b.state("values", cache),
                              {.head_count = 2, .kv_head_count = 2, .head_dim = 16}));
  const ir::Graph graph = b.finish().value();
  const auto plans = plan_functions(
      graph, target, {.extents = {{ir::Symbol::sequence, {8, 16}}, {ir::Symbol::context, {32}}}});
  REQUIRE(plans);
  REQUIRE(plans->size() == 3);
  CHECK(plans->at(0).name == "decode");
  CHECK(plans->at(0).extents.of(ir::Symbol::sequence) == 1);
  CHECK(plans->at(2).name == "prefill_16");
  CHECK(plans->at(2).extents.of(ir::Symbol::context) == 32);
  CHECK_FALSE(plan_functions(
      graph, target, {.extents = {{ir::Symbol::sequence, {64}}, {ir::Symbol::context, {32}}}}));
  CHECK_FALSE(plan_functions(graph, parse_target("ios17", {}).value(), {}));
}

}  // namespace
}  // namespace qb::coreml
