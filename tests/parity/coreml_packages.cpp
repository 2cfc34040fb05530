// Writes Core ML packages of the parity tests' networks, and what the reference answers to each
// step, for coreml_parity.py.
//   QB_PACKAGES=FOLDER coreml_packages
// Each case is a folder: case.json, and the package where one could be made.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "compression/quant/scheme.h"
#include "compression/reference/interpreter.h"
#include "measurement/engines/coreml/emit.h"
#include "measurement/engines/coreml/program.h"
#include "networks.h"

using namespace qb;
using namespace qb::parity;
using ir::Symbol;
namespace fs = std::filesystem;

namespace {

constexpr int64_t context_tokens = 16;

fs::path folder() {
  const char* given = std::getenv("QB_PACKAGES");
  REQUIRE(given);
  return given;
}

ir::Extents extents_for(int64_t batch, int64_t tokens) {
  return {{Symbol::batch, batch},       {Symbol::context, context_tokens},
          {Symbol::sequence, tokens},   {Symbol::selected, tokens},
          {Symbol::source, tokens + 2}, {Symbol::height, tokens + 4},
          {Symbol::width, tokens + 7}};
}

std::string function_of(const std::set<int64_t>& lengths, int64_t tokens) {
  return lengths.size() > 1 ? fmt::format("step_{}", tokens) : "main";
}

Json array_of(const Step& step, size_t i, ElementType type) {
  Json json = Json::object({{"shape", Json::array_of(step.shapes[i])}});
  return type == ElementType::f32 ? json.set("reals", Json::array_of(step.reals[i]))
                                  : json.set("integers", Json::array_of(step.integers[i]));
}

// The reference's answers to the steps.
Json answers(const bundle::Bundle& bundle, const Situation& s, const std::set<int64_t>& lengths,
             int64_t batch) {
  reference::Interpreter reference(bundle, {batch, context_tokens});
  const auto inputs = s.graph.of_kind(ir::ValueKind::input);
  Json steps = Json(Json::Array());
  Rng rng(11);
  int64_t past = 0;
  for (const int64_t tokens : s.step_tokens) {
    const Step step = step_of(s.graph, extents_for(batch, tokens), past, rng);
    REQUIRE(reference.run(step.tensors, past));
    Json given = Json::object({});
    for (size_t i = 0; i < inputs.size(); ++i)
      given.set(coreml::identifier(s.graph[inputs[i]].name),
                array_of(step, i, s.graph[inputs[i]].type));
    const auto wanted = reference.outputs()[0].f32();
    steps.push(Json::object({{"function", function_of(lengths, tokens)},
                             {"past", past},
                             {"inputs", std::move(given)},
                             {"output", Json::array_of(wanted)}}));
    past += tokens;
  }
  return steps;
}

struct Variant {
  const char* target;
  int64_t batch;
};

void write_case(const Situation& s, const bundle::Bundle& bundle, const Variant& variant) {
  static int64_t count = 0;
  const auto target = coreml::parse_target(variant.target, bundle.scheme());
  REQUIRE(target);
  std::set<int64_t> lengths(s.step_tokens.begin(), s.step_tokens.end());
  const bool has_states = !s.graph.of_kind(ir::ValueKind::state).empty();
  if (!target->is_of_2024()) {  // one function, and no states
    if (has_states) return;
    lengths = {s.step_tokens.front()};
  }
  std::vector<coreml::FunctionPlan> plans;
  for (const int64_t tokens : lengths)
    plans.push_back({function_of(lengths, tokens), extents_for(variant.batch, tokens)});
  const fs::path place = folder() / fmt::format("{:05}", count++);
  fs::create_directories(place);
  const auto told = coreml::write_network(bundle, *target, plans, place / "net.mlpackage");
  Json description = Json::object({{"name", s.name},
                                   {"scheme", bundle.scheme().name},
                                   {"target", variant.target},
                                   {"batch", variant.batch},
                                   {"node_count", s.graph.nodes.size()}});
  if (told) {
    Situation first = s;
    if (!target->is_of_2024()) first.step_tokens = {s.step_tokens.front()};
    description.set("told", *told).set("steps", answers(bundle, first, lengths, variant.batch));
  } else {
    CHECK(told.error().code == Errc::unsupported);
    description.set("refused", told.error().message);
  }
  REQUIRE(write_file_atomically(place / "case.json", dump_json(description)));
}

bool can_calibrate(const ir::Graph& graph) {
  const ir::ValueInfo& input = graph[graph.of_kind(ir::ValueKind::input)[0]];
  const bool is_text = input.name == "tokens" && graph.of_kind(ir::ValueKind::input).size() == 2;
  return is_text || input.shape.size() == 4;
}

}  // namespace

TEST_CASE("packages of every operator in every format") {
  const std::set<std::string> ios17_schemes = {"fp32", "w8t",  "w8c",    "w4g32", "static8c",
                                               "lut4", "lut3", "lut6g8", "lut1"};
  for (const Situation& s : situations()) {
    for (const quant::Scheme& scheme : quant::base_schemes()) {
      if (scheme.activations == quant::Activations::on_run ||
          scheme.activations == quant::Activations::by_token ||
          (scheme.needs_calibration() && !can_calibrate(s.graph)))
        continue;
      const auto built = build(s.graph, scheme);
      if (!built && built.error().code == Errc::unsupported) continue;  // too few bits
      REQUIRE(built);
      const bool is_plain = scheme.weight_type == quant::WeightType::f32;
      write_case(s, *built, {"macos15:f32", is_plain ? 2 : 1});
      write_case(s, *built, {"macos26:f16", 1});
      if (ios17_schemes.contains(scheme.name)) write_case(s, *built, {"ios17:f32", 1});
    }
  }
}

TEST_CASE("packages of every operator's attributes") {
  const quant::Scheme fp32 = quant::find_scheme("fp32").value();
  for (const Situation& s : variants()) {
    const bundle::Bundle bundle = bundle_of(s.graph, fp32);
    for (const char* target : {"macos15:f32", "macos15:f16", "ios17:f32"})
      write_case(s, bundle, {target, 2});
  }
}
