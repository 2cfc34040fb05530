#include "network/weights/synthetic.h"

#include <algorithm>
#include <cmath>

#include "base/normal.h"
#include "base/parallel.h"
#include "base/rng.h"

namespace qb::weights {
namespace {

// The stream's normals from `first` on, divided by `divisor`.
void fill_normal(uint64_t stream, uint64_t first, double divisor, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    const uint64_t number = 2 * (first + i);
    const double normal = normal_of(Rng::nth(stream, number), Rng::nth(stream, number + 1));
    out[i] = static_cast<float>(normal / divisor);
  }
}

}  // namespace

void fill_synthetic(std::string_view name, uint64_t seed, const std::vector<int64_t>& shape,
                    std::span<float> out, int64_t thread_count) {
  if (shape.size() < 2) {
    const bool is_one = name.ends_with("weight") || name.ends_with("running_var");
    std::ranges::fill(out, is_one ? 1.0f : 0.0f);
    return;
  }
  double fan_in = 1.0;
  for (size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
  const uint64_t stream = derive_seed(seed, name);
  constexpr int64_t values_at_once = 1 << 16;
  parallel_for(static_cast<int64_t>(out.size()), values_at_once, thread_count,
               [&](int64_t first, int64_t last) {
                 fill_normal(
                     stream, static_cast<uint64_t>(first), std::sqrt(fan_in),
                     out.subspan(static_cast<size_t>(first), static_cast<size_t>(last - first)));
               });
}

}  // namespace qb::weights
