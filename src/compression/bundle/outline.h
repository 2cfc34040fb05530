// What a network will take on disk and in memory, from its shapes alone.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "compression/quant/scheme.h"
#include "network/ir/graph.h"

namespace qb::bundle {

// Parameters of one shape and role.
struct OutlineGroup {
  int64_t count = 0;
  int64_t row_count = 1;
  int64_t column_count = 1;
  uint32_t roles = 0;  // quant::Role bits; 0: stored in f32 always

  int64_t element_count() const { return row_count * column_count; }  // of one
  bool is_like(const OutlineGroup& other) const {
    return row_count == other.row_count && column_count == other.column_count &&
           roles == other.roles;
  }
};

struct Outline {
  std::vector<OutlineGroup> groups;
  int64_t cache_bytes_per_token = 0;  // of one sequence's states, in f32

  int64_t weight_count() const;
  int64_t largest_count() const;  // of one parameter
};

Outline outline_of(const ir::Graph& graph);
// Of several networks, which are in memory together.
void add(const Outline& more, Outline& sum);

Json to_json(const Outline& outline);
Result<Outline> outline_from_json(const Json& json);

// Of all parameters in the scheme, as a bundle stores them; folded batch norms count as if they
// were not. Nothing where the checkpoint's own bits decide ("as-is").
std::optional<int64_t> stored_bytes_of(const Outline& outline, const quant::Scheme& scheme);

}  // namespace qb::bundle
