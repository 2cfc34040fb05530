#include "compression/reference/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "compression/reference/convolution.h"
#include "compression/reference/matrix.h"

namespace qb::reference {

namespace {

Result<void> embedding(const KernelArguments& a) {
  const Array& tokens = a.inputs[0];
  const Array& table = a.inputs[1];
  const int64_t width = table.last();
  for (size_t i = 0; i < tokens.integers.size(); ++i) {
    const int64_t token = tokens.integers[i];
    if (token < 0 || token >= table.extent(0))
      return fail(Errc::bad_input, "token {} is outside the vocabulary of {}", token,
                  table.extent(0));
    std::copy_n(table.values.begin() + token * width, width,
                a.out_values.begin() + static_cast<int64_t>(i) * width);
  }
  return {};
}

Result<void> linear(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  const Array& weight = a.inputs[1];  // [out, in]
  const int64_t row_count = static_cast<int64_t>(x.values.size()) / x.last();
  const int64_t out_count = weight.extent(0);
  MatrixView out(a.out_values.data(), row_count, out_count);
  out.noalias() = ConstMatrixView(x.values.data(), row_count, x.last()) *
                  ConstMatrixView(weight.values.data(), out_count, x.last()).transpose();
  if (a.inputs.size() > 2)
    out.rowwise() += ConstMatrixView(a.inputs[2].values.data(), 1, out_count).row(0);
  return {};
}

// y = (x - mean) / sqrt(variance + epsilon) * scale + bias (Ioffe and Szegedy 2015).
Result<void> batch_norm(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  const int64_t channel_count = x.extent(1);
  const int64_t area = static_cast<int64_t>(x.values.size()) / (x.extent(0) * channel_count);
  const double epsilon = a.attributes.real("epsilon");
  for (int64_t plane = 0; plane < x.extent(0) * channel_count; ++plane) {
    const auto channel = static_cast<size_t>(plane % channel_count);
    const double scale = a.inputs[1].values[channel] /
                         std::sqrt(static_cast<double>(a.inputs[4].values[channel]) + epsilon);
    const double shift = a.inputs[2].values[channel] - a.inputs[3].values[channel] * scale;
    for (int64_t i = plane * area; i < (plane + 1) * area; ++i)
      a.out_values[static_cast<size_t>(i)] =
          static_cast<float>(x.values[static_cast<size_t>(i)] * scale + shift);
  }
  return {};
}

// Index into `array` of element `flat` of the broadcast result.
size_t broadcast_index(const Array& array, const std::vector<int64_t>& shape, int64_t flat) {
  int64_t index = 0;
  int64_t stride = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t coordinate = flat % shape[shape.size() - 1 - i];
    flat /= shape[shape.size() - 1 - i];
    if (i >= array.shape.size()) continue;
    const int64_t extent = array.shape[array.shape.size() - 1 - i];
    index += extent == 1 ? 0 : coordinate * stride;
    stride *= extent;
  }
  return static_cast<size_t>(index);
}

template <typename F>
Result<void> elementwise_pair(const KernelArguments& a, F f) {
  const Array& x = a.inputs[0];
  const Array& y = a.inputs[1];
  const bool same = x.shape == y.shape;
  for (size_t i = 0; i < a.out_values.size(); ++i) {
    const auto flat = static_cast<int64_t>(i);
    a.out_values[i] = f(x.values[same ? i : broadcast_index(x, a.out.shape, flat)],
                        y.values[same ? i : broadcast_index(y, a.out.shape, flat)]);
  }
  return {};
}

Result<void> add(const KernelArguments& a) { return elementwise_pair(a, std::plus<float>()); }
Result<void> multiply(const KernelArguments& a) {
  return elementwise_pair(a, std::multiplies<float>());
}

Result<void> flatten(const KernelArguments& a) {
  std::ranges::copy(a.inputs[0].values, a.out_values.begin());
  return {};
}

constexpr KernelRow rows[] = {
    {ir::Op::embedding, embedding},   {ir::Op::linear, linear}, {ir::Op::conv2d, conv2d},
    {ir::Op::batch_norm, batch_norm}, {ir::Op::add, add},       {ir::Op::multiply, multiply},
    {ir::Op::flatten, flatten},
};

using Table = std::array<Kernel, static_cast<size_t>(ir::Op::end)>;

Table all_kernels() {
  Table table = {};
  for (const std::span<const KernelRow> part :
       {std::span<const KernelRow>(rows), attention_kernels(), pooling_kernels(), norm_kernels(),
        token_kernels(), activation_kernels()})
    for (const KernelRow& row : part) table[static_cast<size_t>(row.op)] = row.kernel;
  return table;
}

}  // namespace

Kernel kernel_of(ir::Op op) {
  static const Table table = all_kernels();
  return table[static_cast<size_t>(op)];
}

}  // namespace qb::reference
