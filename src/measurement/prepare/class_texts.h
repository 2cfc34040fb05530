// Classes as networks know them: by number, by name, or by a text that describes them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "measurement/prepare/model_source.h"
#include "network/pictures/user_pictures.h"

namespace qb::prepare {

// The number of each of the set's classes among those of the network: names that are all numbers
// are these; else they are the model's own names (any of several with commas between them); else a
// folder with as many classes as the network has them in their order. Error: a class that is none
// of the network's.
Result<std::vector<int64_t>> class_ids(const pictures::PictureSet& set, const models::Model& model,
                                       int64_t class_count);

// "a photo of a NAME." of each class in tokens, padded behind its end.
struct ClassTexts {
  std::array<int64_t, 2> token_shape = {};
  std::array<int64_t, 1> position_shape = {};
  std::vector<int64_t> tokens;
  std::vector<int64_t> positions;  // of the end token

  std::string hash() const;
};

// Synthetic weights, which have no tokenizer, get made-up tokens. Errors: no tokenizer; a text
// without the end token.
Result<ClassTexts> make_class_texts(const ModelSource& source,
                                    const std::vector<std::string>& names);

}  // namespace qb::prepare
