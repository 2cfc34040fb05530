// Seeded weights at a model's true shapes: speed, memory and numerics are then real, quality is
// not.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace qb::weights {

// Normal with standard deviation 1 / sqrt(fan_in) for matrices and kernels; ones for the weights of
// norms and for variances, zeros for biases and means, by the parameter's name and rank. The values
// depend on seed, name and shape only, and are the same bits on every platform and any number of
// threads.
void fill_synthetic(std::string_view name, uint64_t seed, const std::vector<int64_t>& shape,
                    std::span<float> out, int64_t thread_count = 1);

}  // namespace qb::weights
