// Pooling of pictures, NCHW.
#include <algorithm>
#include <limits>

#include "compression/reference/kernels.h"

namespace qb::reference {
namespace {

Result<void> global_average_pool(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  const size_t area = static_cast<size_t>(x.extent(2) * x.extent(3));
  for (size_t plane = 0; plane < a.out_values.size(); ++plane) {
    double sum = 0.0;
    for (size_t i = 0; i < area; ++i) sum += x.values[plane * area + i];
    a.out_values[plane] = static_cast<float>(sum / static_cast<double>(area));
  }
  return {};
}

Result<void> max_pool(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  const auto kernel = a.attributes.integers("kernel");
  const auto stride = a.attributes.integers("stride");
  const auto padding = a.attributes.integers("padding");
  const int64_t height = x.extent(2);
  const int64_t width = x.extent(3);
  const auto largest = [&](const float* plane, int64_t top, int64_t left) {
    float value = -std::numeric_limits<float>::infinity();
    for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + kernel[0], height); ++y)
      for (int64_t i = std::max<int64_t>(left, 0); i < std::min(left + kernel[1], width); ++i)
        value = std::max(value, plane[y * width + i]);
    return value;
  };
  float* next = a.out_values.data();
  for (int64_t plane = 0; plane < x.extent(0) * x.extent(1); ++plane)
    for (int64_t y = 0; y < a.out.extent(2); ++y)
      for (int64_t i = 0; i < a.out.extent(3); ++i)
        *next++ = largest(x.values.data() + plane * height * width, y * stride[0] - padding[0],
                          i * stride[1] - padding[1]);
  return {};
}

constexpr KernelRow rows[] = {
    {ir::Op::global_average_pool, global_average_pool},
    {ir::Op::max_pool, max_pool},
};

}  // namespace

std::span<const KernelRow> pooling_kernels() { return rows; }

}  // namespace qb::reference
