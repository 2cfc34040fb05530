// A network as an exported function of MLX's (.mlxfn).
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "measurement/engines/mlx/arrays.h"
#include "measurement/worker/engine.h"

namespace qb::mlx {

// Writes <network's name>.mlxfn, or the graph's name for a model's only network, into the folder:
// the engine's own program on the device's own stream, weights as the bundle's scheme stores them.
// Gives its arguments, by position, as `qbench run --input` takes them. Errors: unsupported
// (caches, a dimension left open, an operator); throws what MLX throws.
Result<std::string> emit_function(const std::string& name, const bundle::Bundle& bundle,
                                  const worker::EmitOptions& options, const mx::Device& device,
                                  const std::filesystem::path& folder);

}  // namespace qb::mlx
