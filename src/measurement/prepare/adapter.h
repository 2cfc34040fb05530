// A LoRA adapter on a model: fused into the weights, or as branches beside them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "network/models/models.h"
#include "network/weights/adapter.h"

namespace qb::prepare {

// The branches of an adapter by the parameters that they are for; of a tensor that holds several
// parameters one after another, each has some of its rows.
struct PlacedAdapter {
  struct Branch {
    const weights::LowRank* low_rank = nullptr;
    int64_t first_row = 0;
  };
  std::shared_ptr<const weights::Adapter> adapter;
  std::map<std::string, Branch, std::less<>> branches;
};

// Errors: an adapter of another base, whose linears aren't there or have another shape, by name.
Result<PlacedAdapter> place_adapter(weights::Adapter adapter, const models::Model& model,
                                    const std::vector<models::NamedGraph>& networks);

// The base's weights with the products added.
bundle::ParameterSource fused_source(PlacedAdapter adapter, bundle::ParameterSource base);

// The graph with linear(linear(x, a), b) added to each linear that has a branch; a and b are
// parameters of their own (bundle::is_of_adapter), which branched_source gives.
Result<ir::Graph> with_branches(const ir::Graph& graph, const PlacedAdapter& adapter);
bundle::ParameterSource branched_source(PlacedAdapter adapter, bundle::ParameterSource base);

}  // namespace qb::prepare
