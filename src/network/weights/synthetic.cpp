#include "network/weights/synthetic.h"

#include <algorithm>
#include <cmath>

#include "base/rng.h"

namespace qb::weights {

void fill_synthetic(std::string_view name, uint64_t seed, const std::vector<int64_t>& shape,
                    std::span<float> out) {
  if (shape.size() < 2) {
    const bool is_one = name.ends_with("weight") || name.ends_with("running_var");
    std::ranges::fill(out, is_one ? 1.0f : 0.0f);
    return;
  }
  double fan_in = 1.0;
  for (size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
  Rng rng(derive_seed(seed, name));
  for (float& value : out) value = static_cast<float>(rng.normal() / std::sqrt(fan_in));
}

}  // namespace qb::weights
