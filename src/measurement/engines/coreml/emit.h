// A network as a Core ML package (.mlpackage).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "measurement/engines/coreml/target.h"
#include "measurement/worker/engine.h"

namespace qb::coreml {

// A function of a package: a network for one set of extents.
struct FunctionPlan {
  std::string name;
  ir::Extents extents;
};

// Functions share the package's weights; the first is used where none is named. A network with
// caches has "decode", of one token a step, and a "prefill" for each length of --extent sequence.
// Another has "main", or a function for each extent of a dimension that was given several times.
// Errors: bad_input and unsupported, in words of --extent.
Result<std::vector<FunctionPlan>> plan_functions(const ir::Graph& graph, const Target& target,
                                                 const worker::EmitOptions& options);

// Writes `package`, a new folder. Gives what its user should know: {"functions": {name: what it
// takes}, …}. Errors: those of lowering, and io.
Result<Json> write_network(const bundle::Bundle& bundle, const Target& target,
                           const std::vector<FunctionPlan>& plans,
                           const std::filesystem::path& package);

}  // namespace qb::coreml
