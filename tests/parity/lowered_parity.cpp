// What is done to a network on its way to an engine: biases in integers, products joined, norms
// folded.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "compression/reference/interpreter.h"
#include "network/models/models.h"
#include "networks.h"

using namespace qb;
using namespace qb::parity;
using ir::Builder;
using ir::Value;

// A network of three convolutions whose middle one has weights so small beside its biases that
// these leave the range of 32-bit sums: a pruned filter, one of 1e-9, a whole layer of 1e-12.
TEST_CASE("biases survive beside weights that are next to nothing") {
  struct Row {
    const char* name;
    size_t filter_count;  // how many of the 16 are so small
    float factor;
  };
  constexpr Row rows[] = {{"none", 0, 1.0f},
                          {"pruned filter", 1, 0.0f},
                          {"tiny filter", 1, 1e-9f},
                          {"tiny layer", 16, 1e-12f},
                          {"pruned layer", 16, 0.0f}};
  for (const Row& row : rows) {
    const Situation s = situation(row.name, [](Builder& b) {
      const auto conv = [&](Value x, const std::string& name, int64_t out) {
        const int64_t in = b.shape(x)[1].extent;
        return b.conv2d(x, b.parameter(name, {out, in, 3, 3}), {.padding = {1, 1, 1, 1}},
                        b.parameter(name + ".bias", {out}));
      };
      const Value x = b.relu6(conv(picture_input(b, 4), "first", 16));
      const Value y = conv(b.relu6(conv(x, "small", 16)), "last", 8);
      return b.linear(b.flatten(b.global_average_pool(y)), b.parameter("fc", {10, 8}));
    });
    const auto source = [&](const ir::ValueInfo& info, std::span<float> out) {
      const auto done = seeded(info, out);
      if (info.name.ends_with(".bias"))
        for (float& value : out) value = std::fabs(value) + 0.25f;
      if (info.name == "small")
        for (float& value : out.first(out.size() / 16 * row.filter_count)) value *= row.factor;
      return done;
    };
    for (const char* name : {"static8c", "static8t", "dyn8c", "w8c", "fp32"}) {
      const quant::Scheme scheme = quant::find_scheme(name).value();
      CAPTURE(s.name);
      CAPTURE(scheme.name);
      const auto bundle = build(s.graph, scheme, source);
      REQUIRE(bundle);
      if (find_refusal(*bundle)) continue;
      reference::Interpreter reference(*bundle, {1, 16});
      auto session = engine().compile(*bundle, {.device = "cpu"});
      REQUIRE(session);
      Rng rng(11);
      const Step step = step_of(s.graph, {}, 0, rng);
      REQUIRE(reference.run(step.tensors, 0));
      REQUIRE((*session)->run({step.tensors, 0}));
      const auto wanted = reference.outputs()[0].f32();
      CHECK(std::ranges::all_of(wanted, [](float x) { return std::isfinite(x); }));
      CHECK(relative_rms(wanted, (*session)->outputs()[0].f32()) <= 1.5e-2);
    }
  }
}

TEST_CASE("what was done to the network stands in what the session tells") {
  const auto kinds_in = [](const Situation& s) {
    const bundle::Bundle bundle = bundle_of(s.graph, quant::find_scheme("fp32").value());
    auto session = engine().compile(bundle, {.device = "cpu", .context_tokens = 16});
    REQUIRE(session);
    return dump_json((*session)->actual()["transformations"]);
  };
  if (engine().describe().framework == "reference") return;  // which takes networks as they are
  const Situation text = {"llama-test", models::find_model("llama-test")->build().value(), {1}};
  CHECK(kinds_in(text).find("q_proj") != std::string::npos);
  CHECK(kinds_in(text).find("gate_proj") != std::string::npos);
  const Situation picture = situation("a norm", [](Builder& b) {
    return b.batch_norm(b.conv2d(picture_input(b, 8), b.parameter("w", {8, 8, 1, 1}), {}), "n",
                        1e-3);
  });
  CHECK(kinds_in(picture).find("batch norms folded into convolutions") != std::string::npos);
}
