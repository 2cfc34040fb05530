// Which base schemes an engine runs, and by which kernels: asked of sessions over small networks
// that it compiles for the purpose, so that nothing has to be told twice.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compression/bundle/bundle.h"
#include "measurement/worker/engine.h"

namespace qb::worker {

// A network that uses what schemes quantize.
struct Sample {
  std::string_view name;  // "language", "vision"
  ir::Graph graph;
};
const std::vector<Sample>& samples();

// Its made-up weights.
Result<void> sample_values(const ir::ValueInfo& parameter, std::span<float> out);

// The network as the scheme stores it, in memory. Errors: unsupported, where
// the scheme has no sense for the network.
Result<bundle::Bundle> sample_bundle(const Sample& sample, const quant::Scheme& scheme);

// What the session says that it computes: Session::actual()'s compute_type.
Result<std::string> computing_of(Engine& engine, const bundle::Bundle& bundle,
                                 const std::string& device);

// Of each base scheme that runs at all its name and the kernels: "language: linear: …; vision: …",
// for each device where devices differ.
std::vector<std::pair<std::string, std::string>> describe_schemes(
    Engine& engine, std::span<const DeviceDescription> devices);

}  // namespace qb::worker
