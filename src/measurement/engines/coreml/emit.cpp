#include "measurement/engines/coreml/emit.h"

#include <fmt/ranges.h>

#include <set>

#include "measurement/engines/coreml/lowering.h"

namespace qb::coreml {
namespace fs = std::filesystem;
namespace {

using ir::Symbol;

constexpr int64_t default_context_tokens = 512;
constexpr int64_t default_prefill_tokens = 64;

std::set<Symbol> open_symbols(const ir::Graph& graph) {
  std::set<Symbol> symbols;
  for (const ir::ValueKind kind : {ir::ValueKind::input, ir::ValueKind::state})
    for (const ir::Value value : graph.of_kind(kind))
      for (const ir::Dim& dim : graph[value].shape)
        if (!dim.is_fixed()) symbols.insert(dim.symbol);
  return symbols;
}

// What was asked for, or else `otherwise`.
std::vector<int64_t> asked(const worker::EmitOptions& options, Symbol symbol, int64_t otherwise) {
  const auto found = options.extents.find(symbol);
  return found == options.extents.end() ? std::vector{otherwise} : found->second;
}

Result<std::vector<FunctionPlan>> plan_steps(const ir::Graph& graph, const Target& target,
                                             const worker::EmitOptions& options) {
  if (!target.is_of_2024())
    return fail(Errc::unsupported,
                "{} has KV caches, and Core ML has states from iOS 18 and macOS 15 on", graph.name);
  ir::Extents extents;
  for (const auto& [symbol, otherwise] :
       {std::pair{Symbol::batch, int64_t{1}}, std::pair{Symbol::selected, int64_t{1}},
        std::pair{Symbol::context, default_context_tokens}}) {
    const std::vector<int64_t> given = asked(options, symbol, otherwise);
    if (given.size() > 1)
      return fail(Errc::bad_input, "--extent {}: one is needed for all functions of {}",
                  ir::name_of(symbol), graph.name);
    extents.set(symbol, given[0]);
  }
  const int64_t context = extents.of(Symbol::context);
  const std::vector<int64_t> lengths =
      asked(options, Symbol::sequence, std::min(default_prefill_tokens, context));
  extents.set(Symbol::sequence, 1);
  std::vector<FunctionPlan> plans = {{"decode", extents}};
  for (const int64_t length : lengths) {
    if (length > context)
      return fail(Errc::bad_input, "--extent sequence={}: the caches hold {} tokens", length,
                  context);
    extents.set(Symbol::sequence, length);
    plans.push_back({lengths.size() > 1 ? fmt::format("prefill_{}", length) : "prefill", extents});
  }
  return plans;
}

std::string extents_text(const Shape& shape) { return fmt::format("{}", fmt::join(shape, "x")); }

// "tokens=1x64:i32 positions=1:i32 past_tokens=1:i32"
std::string call_of(const ir::Graph& graph, const ir::Extents& extents, Type compute) {
  std::string text;
  for (const ir::Value value : graph.of_kind(ir::ValueKind::input)) {
    const bool is_integer = graph[value].type == ElementType::i64;
    text += fmt::format("{}{}={}:{}", text.empty() ? "" : " ", identifier(graph[value].name),
                        extents_text(ir::bind(graph[value].shape, extents)),
                        is_integer             ? "i32"
                        : compute == Type::f16 ? "f16"
                                               : "f32");
  }
  if (!graph.of_kind(ir::ValueKind::state).empty()) text += fmt::format(" {}=1:i32", past_input);
  return text;
}

}  // namespace

Result<std::vector<FunctionPlan>> plan_functions(const ir::Graph& graph, const Target& target,
                                                 const worker::EmitOptions& options) {
  if (!graph.of_kind(ir::ValueKind::state).empty()) return plan_steps(graph, target, options);
  ir::Extents extents;
  std::optional<Symbol> several;
  for (const Symbol symbol : open_symbols(graph)) {
    const std::vector<int64_t> given = asked(options, symbol, symbol == Symbol::batch ? 1 : 0);
    if (given[0] == 0)
      return fail(Errc::unsupported,
                  "{} leaves its {} open, and the functions of a package have fixed shapes: give "
                  "--extent {}=N, several times for several functions",
                  graph.name, ir::name_of(symbol), ir::name_of(symbol));
    if (given.size() > 1 && several)
      return fail(Errc::bad_input, "--extent: both {} and {} are given several times; one may be",
                  ir::name_of(*several), ir::name_of(symbol));
    if (given.size() > 1) several = symbol;
    extents.set(symbol, given[0]);
  }
  if (!several) return std::vector<FunctionPlan>{{"main", extents}};
  if (!target.is_of_2024())
    return fail(
        Errc::unsupported,
        "a package has several functions from iOS 18 and macOS 15 on: give --extent {} once",
        ir::name_of(*several));
  std::vector<FunctionPlan> plans;
  for (const int64_t extent : options.extents.at(*several)) {
    extents.set(*several, extent);
    plans.push_back({fmt::format("{}_{}", ir::name_of(*several), extent), extents});
  }
  return plans;
}

Result<Json> write_network(const bundle::Bundle& bundle, const Target& target,
                           const std::vector<FunctionPlan>& plans, const fs::path& package) {
  std::error_code error;
  fs::create_directories(weights_file(package).parent_path(), error);
  if (error) return fail(Errc::io, "{}: cannot create: {}", package.string(), error.message());
  BlobFile blobs(weights_file(package));
  std::vector<Function> functions;
  Json calls = Json::object({});
  Json notes = Json::object({});
  for (const FunctionPlan& plan : plans) {
    Lowering lowering(bundle, target, plan.extents, functions.emplace_back(plan.name), blobs);
    QB_CHECK(lowering.build());
    calls.set(plan.name, call_of(bundle.graph(), plan.extents, target.compute));
    notes = lowering.notes();
  }
  QB_CHECK(write_package(
      package, target, std::move(functions),
      {{"qbench.bundle", bundle.content_hash()}, {"qbench.scheme", bundle.scheme().name}}, blobs));
  return Json::object({{"functions", std::move(calls)},
                       {"computes in", target.compute == Type::f16 ? "f16" : "f32"},
                       {"kernels", std::move(notes)}});
}

}  // namespace qb::coreml
