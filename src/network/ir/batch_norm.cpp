#include "network/ir/batch_norm.h"

#include <cmath>

namespace qb::ir {

ChannelMap channel_map(const BatchNorm& norm, std::span<const float> bias) {
  ChannelMap map;
  for (size_t i = 0; i < norm.scale.size(); ++i) {
    const double deviation = std::sqrt(static_cast<double>(norm.variance[i]) + norm.epsilon);
    const auto gain = static_cast<float>(norm.scale[i] / deviation);
    const float old = bias.empty() ? 0.0f : bias[i];
    map.gains.push_back(gain);
    map.offsets.push_back(norm.shift[i] + (old - norm.mean[i]) * gain);
  }
  return map;
}

void scale_rows(std::span<const float> gains, std::span<float> matrix) {
  const size_t column_count = matrix.size() / gains.size();
  for (size_t i = 0; i < matrix.size(); ++i) matrix[i] *= gains[i / column_count];
}

}  // namespace qb::ir
