// A bundle in memory.
#include <cstring>

#include "compression/bundle/bundle.h"

namespace qb::bundle {
namespace {

using Memory = std::vector<std::vector<std::byte>>;

// A copy that lives as long as `memory`; its address doesn't change when that is moved.
template <typename T>
std::span<const T> keep(std::span<const T> values, Memory& memory) {
  std::vector<std::byte>& bytes = memory.emplace_back(values.size_bytes());
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), values.size_bytes());
  return {reinterpret_cast<const T*>(bytes.data()), values.size()};
}

}  // namespace

Result<Bundle> hold_bundle(const quant::Scheme& scheme, const Contents& contents) {
  Bundle bundle;
  bundle.graph_ = contents.graph;
  bundle.scheme_ = scheme;
  for (const ir::Value value : contents.graph.of_kind(ir::ValueKind::parameter)) {
    const ir::ValueInfo& info = contents.graph[value];
    QB_TRY(Stored s, with_context(contents.store(value), info.name));
    for (std::span<const uint8_t>* bytes :
         {&s.packed.codes, &s.packed.zero_points, &s.micro.codes, &s.micro.scales, &s.table.codes})
      *bytes = keep(*bytes, bundle.memory_);
    for (std::span<const float>* values : {&s.packed.scales, &s.packed.minimums})
      *values = keep(*values, bundle.memory_);
    s.table.entries = keep(s.table.entries, bundle.memory_);
    bundle.parameters_.emplace(
        value.index, Parameter{info.name, ir::bind(info.shape, {}), s.encoding,
                               keep(s.bytes, bundle.memory_), s.packed, s.block, s.micro, s.table});
  }
  for (const auto& [value, activation] : contents.activations)
    bundle.activations_[value.index] = activation;
  return bundle;
}

}  // namespace qb::bundle
