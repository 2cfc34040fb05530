// The files that a model's weights are made of: a Hugging Face folder, or a GGUF.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace qb::prepare {

struct CheckpointFiles {
  std::filesystem::path config;     // empty: the weights' file tells it
  std::filesystem::path weights;    // for weights::load_weights
  std::filesystem::path tokenizer;  // empty: there is none, or the weights' file has it
};

// Of a model of the user's own. Errors: what is missing, what isn't read, where one has to choose.
Result<CheckpointFiles> find_checkpoint(const std::filesystem::path& path);

}  // namespace qb::prepare
