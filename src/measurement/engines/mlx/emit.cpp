#include "measurement/engines/mlx/emit.h"

#include <fmt/ranges.h>

#include "base/file_name.h"
#include "measurement/engines/mlx/lowering.h"
#include "measurement/engines/mlx/session.h"

namespace qb::mlx {
namespace {

// An exported function is a recording of one call: it has no state and no other shapes.
Result<ir::Extents> fixed_extents(const ir::Graph& graph, const worker::EmitOptions& options) {
  if (!graph.of_kind(ir::ValueKind::state).empty())
    return fail(Errc::unsupported,
                "{} has KV caches, and an exported function of MLX's keeps nothing between calls",
                graph.name);
  for (const ir::Value input : graph.of_kind(ir::ValueKind::input))
    for (const ir::Dim& dim : graph[input].shape)
      if (!dim.is_fixed() && dim.symbol != ir::Symbol::batch &&
          !options.extents.contains(dim.symbol))
        return fail(
            Errc::unsupported,
            "input {} of {} leaves its {} open, and MLX exports a function for fixed shapes: "
            "give --extent {}=N",
            graph[input].name, graph.name, ir::to_string(dim), ir::to_string(dim));
  ir::Extents extents;
  for (const auto& [symbol, given] : options.extents) {
    if (given.size() > 1)
      return fail(Errc::bad_input, "--extent {}: MLX exports a function for one set of shapes",
                  ir::name_of(symbol));
    extents.set(symbol, given[0]);
  }
  return extents;
}

}  // namespace

Result<std::string> emit_function(const std::string& name, const bundle::Bundle& bundle,
                                  const worker::EmitOptions& options, const mx::Device& device,
                                  const std::filesystem::path& folder) {
  const ir::Graph& graph = bundle.graph();
  QB_TRY(const ir::Extents extents, fixed_extents(graph, options));
  const worker::CompileOptions compile = {
      .device = device == mx::Device(mx::Device::gpu) ? "gpu" : "cpu",
      .batch = extents.of(ir::Symbol::batch)};
  Lowering lowering(bundle, compile, {mx::default_stream(device)});
  QB_TRY(Program program, lowering.build());
  const MlxSession session(bundle, compile, lowering, std::move(program));
  mx::Args inputs;
  std::string call;
  for (const ir::Value value : graph.of_kind(ir::ValueKind::input)) {
    const std::vector<int64_t> shape = ir::bind(graph[value].shape, extents);
    const bool is_integer = graph[value].type == ElementType::i64;
    inputs.push_back(mx::zeros(shape_of(shape), is_integer ? mx::int64 : mx::float32));
    call += fmt::format("{}{}={}:{}", call.empty() ? "" : " ", graph[value].name,
                        fmt::join(shape, "x"), is_integer ? "i64" : "f32");
  }
  const std::string file = file_name_of(name.empty() ? graph.name : name) + ".mlxfn";
  mx::export_function((folder / file).string(),
                      [&](const mx::Args& arguments) { return session.answer(arguments); }, inputs);
  return call;
}

}  // namespace qb::mlx
