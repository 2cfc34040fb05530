// Where the parameters of networks lie among the tensors of a file, by Hugging Face's names or
// those of GGUF.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "network/models/models.h"
#include "network/weights/weight_file.h"

namespace qb::prepare {

struct Place {
  const weights::StoredTensor* tensor = nullptr;
  int64_t first_row = 0;
  std::vector<int64_t> shape;  // as the parameter has it: extents of 1 in front tell nothing
  double offset = 0.0;         // is added to every value
  bool is_logarithm = false;   // its exponential is what is used
  // Above 0: the rows of so many heads, in each of which rotary pairs are neighbours. Ours rotates
  // halves: row 2i + half of a head becomes row half * head_dim / 2 + i.
  int64_t paired_head_count = 0;
};
using Placement = std::map<std::string, Place, std::less<>>;  // by parameter

// Every parameter has its place, and every tensor is one. Errors: a tensor that is missing, of
// another shape, or without a place in the networks, which it would change; each by its name.
Result<Placement> place_parameters(const weights::WeightFile& file,
                                   const std::vector<models::NamedGraph>& networks,
                                   const models::Model& model);

// Decodes parameters from where they lie; `file` is what the placement is of.
bundle::ParameterSource placed_source(std::shared_ptr<const weights::WeightFile> file,
                                      Placement placement);

// Whether a tensor is there with the values of another: a head that is tied may be stored too.
bool is_copy(const weights::StoredTensor* tensor, const weights::StoredTensor* of);

}  // namespace qb::prepare
