// LoRA adapters, as PEFT and MLX (mlx-lm) save them: to a linear's weight [out, in] a product of
// two of low rank is added.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace qb::weights {

struct LowRank {
  int64_t rank = 0;
  int64_t in = 0, out = 0;
  std::vector<float> a;  // [rank, in]
  std::vector<float> b;  // [out, rank], times the adapter's scale
};

struct Adapter {
  std::map<std::string, LowRank> branches;   // by the linear's name in a Hugging Face checkpoint
  std::vector<std::filesystem::path> paths;  // what was read
};

// The folder's adapter_config.json, with adapter_model.safetensors or .bin (PEFT), or
// adapters.safetensors (MLX). Errors: what is missing or contradicts itself; unsupported, what
// would change the result and isn't followed (DoRA, trained biases, …), by its name.
Result<Adapter> load_adapter(const std::filesystem::path& folder);

}  // namespace qb::weights
