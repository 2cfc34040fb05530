// What qbench does to a network before an engine lowers it: decided once, from the bundle alone, so
// that every framework is given the same network. What a framework does by itself comes on top.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/json.h"
#include "compression/bundle/bundle.h"
#include "network/ir/batch_norm.h"

namespace qb::lowering {

// Linears without bias that read one value, their weights stored alike: one product, their weights'
// rows one after another, gives the same bits in one call. In the graph's order; at least two.
using Join = std::vector<const ir::Node*>;

// A batch norm that the convolution before it takes over. Only f32 weights are folded: of others
// the product would have to be rounded again, to bits that the bundle does not have.
struct Fold {
  const ir::Node* convolution = nullptr;
  const ir::Node* norm = nullptr;
};

// Points into the bundle's graph.
struct Transformations {
  std::vector<Join> joins;
  std::vector<Fold> folds;

  // The linears that are one product with this one, itself among them; itself alone: not joined.
  Join joined_with(const ir::Node& linear) const;
  // The batch norm that a convolution takes over; null: none.
  const ir::Node* norm_folded_into(const ir::Node& convolution) const;
  bool is_folded(const ir::Node& norm) const;
};

Transformations find_transformations(const bundle::Bundle& bundle);

// Of a convolution that takes over a batch norm: f32, the weight in its own shape.
struct FoldedConvolution {
  std::vector<float> weight;
  std::vector<float> bias;  // a value an output channel
};
FoldedConvolution fold(const bundle::Bundle& bundle, const Fold& fold);

// Of any batch norm of the bundle; `bias` of what it reads, or empty.
ir::ChannelMap channel_map(const bundle::Bundle& bundle, const ir::Node& norm,
                           std::span<const float> bias = {});

// [{"kind": "joined products", "parameters": ["layers.*.q.weight", …], "count": 30}, …]: for
// Session::actual(), layers that differ by a number only together.
Json describe(const bundle::Bundle& bundle, const Transformations& transformations);

// The microscaling format of the scheme, or of a checkpoint's first parameter that has one.
std::optional<quant::Microscaling> microscaling_of(const bundle::Bundle& bundle);

// Of a checkpoint's first parameter whose codes have neither 4 nor 8 bits.
std::optional<int32_t> odd_bits_of(const bundle::Bundle& bundle);

// Whether a weight is stored as entries of tables.
bool has_tables(const bundle::Bundle& bundle);

}  // namespace qb::lowering
