// The files that a model's weights are made of: a Hugging Face folder, or a GGUF.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"

namespace qb::prepare {

struct CheckpointFiles {
  // With a tokenizer's files beside it, if any; empty: the weights' file tells all.
  std::filesystem::path config;
  std::filesystem::path weights;                   // for weights::load_weights
  std::vector<std::filesystem::path> beside = {};  // that say more of the network
};

// Of a model of the user's own. Errors: what is missing, what isn't read, where one has to choose.
Result<CheckpointFiles> find_checkpoint(const std::filesystem::path& path);

}  // namespace qb::prepare
