#include "measurement/engines/pytorch/half_sums.h"

#include <fmt/format.h>

namespace qb::pytorch {

bool sums_in_f16(const at::Device& device, const HalfProduct& product) {
  constexpr int64_t row_count = 16;
  constexpr int64_t column_count = 256;
  constexpr float large = 2048.0f;  // f16's next number is 2050
  const auto half = at::TensorOptions(device).dtype(at::kHalf);
  const at::Tensor x = at::ones({row_count, column_count}, half);
  x.select(1, 0).fill_(large);
  const at::Tensor sums = product(x, at::ones({row_count, column_count}, half));
  const float exact = large + static_cast<float>(column_count - 1);
  return sums.to(at::kFloat).min().item<float>() < exact - 1.0f;  // which is the result's rounding
}

std::string text_of(at::ScalarType type, bool has_f16_sums) {
  return fmt::format("activations{} in {}", has_f16_sums ? " and sums" : "",
                     type == at::kHalf ? "f16" : "bf16");
}

}  // namespace qb::pytorch
