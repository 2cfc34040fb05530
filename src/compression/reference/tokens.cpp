// What moves and adds rows of [batch, tokens, width].
#include <algorithm>
#include <vector>

#include "compression/reference/kernels.h"

namespace qb::reference {
namespace {

Result<void> select_positions(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  const Array& positions = a.inputs[1];
  float* next = a.out_values.data();
  for (int64_t batch = 0; batch < x.extent(0); ++batch) {
    for (const int64_t position : positions.integers) {
      if (position < 0 || position >= x.extent(1))
        return fail(Errc::bad_input, "position {} is outside the step's {} tokens", position,
                    x.extent(1));
      next = std::copy_n(x.values.data() + (batch * x.extent(1) + position) * x.last(), x.last(),
                         next);
    }
  }
  return {};
}

Result<void> reorder(const KernelArguments& a) {
  const auto order = a.attributes.integers("order");
  const std::span<const float> x = a.inputs[0].values;
  for (size_t start = 0; start < x.size(); start += order.size())
    for (size_t i = 0; i < order.size(); ++i)
      a.out_values[start + i] = x[start + static_cast<size_t>(order[i])];
  return {};
}

Result<void> to_tokens(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  const int64_t channel_count = x.extent(1);
  const int64_t area = x.extent(2) * x.extent(3);
  float* next = a.out_values.data();
  for (int64_t batch = 0; batch < x.extent(0); ++batch) {
    const float* picture = x.values.data() + batch * channel_count * area;
    for (int64_t place = 0; place < area; ++place)
      for (int64_t channel = 0; channel < channel_count; ++channel)
        *next++ = picture[channel * area + place];
  }
  return {};
}

Result<void> prepend_token(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  const int64_t rest = x.extent(1) * x.last();
  float* next = a.out_values.data();
  for (int64_t batch = 0; batch < x.extent(0); ++batch) {
    next = std::ranges::copy(a.inputs[1].values, next).out;
    next = std::copy_n(x.values.data() + batch * rest, rest, next);
  }
  return {};
}

Result<void> add_positions(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  const Array& table = a.inputs[1];
  const auto one = static_cast<size_t>(x.extent(1) * x.last());
  for (size_t i = 0; i < a.out_values.size(); ++i)
    a.out_values[i] = x.values[i] + table.values[i % one];
  return {};
}

Result<void> mean_tokens(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  std::vector<double> sums(static_cast<size_t>(x.last()));
  for (int64_t batch = 0; batch < x.extent(0); ++batch) {
    std::ranges::fill(sums, 0.0);
    int64_t count = 0;
    for (int64_t row = batch * x.extent(1); row < (batch + 1) * x.extent(1); ++row) {
      if (a.inputs.size() > 1 && a.inputs[1].integers[static_cast<size_t>(row)] == 0) continue;
      ++count;
      for (size_t i = 0; i < sums.size(); ++i)
        sums[i] += x.values[static_cast<size_t>(row) * sums.size() + i];
    }
    if (count == 0) return fail(Errc::bad_input, "the mask leaves no token of entry {}", batch);
    for (size_t i = 0; i < sums.size(); ++i)
      a.out_values[static_cast<size_t>(batch) * sums.size() + i] =
          static_cast<float>(sums[i] / static_cast<double>(count));
  }
  return {};
}

Result<void> pick_tokens(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  float* next = a.out_values.data();
  for (int64_t batch = 0; batch < x.extent(0); ++batch) {
    const int64_t position =
        a.inputs.size() > 1 ? a.inputs[1].integers[static_cast<size_t>(batch)] : 0;
    if (position < 0 || position >= x.extent(1))
      return fail(Errc::bad_input, "position {} is outside the {} tokens", position, x.extent(1));
    next =
        std::copy_n(x.values.data() + (batch * x.extent(1) + position) * x.last(), x.last(), next);
  }
  return {};
}

constexpr KernelRow rows[] = {
    {ir::Op::select_positions, select_positions},
    {ir::Op::to_tokens, to_tokens},
    {ir::Op::reorder, reorder},
    {ir::Op::prepend_token, prepend_token},
    {ir::Op::add_positions, add_positions},
    {ir::Op::mean_tokens, mean_tokens},
    {ir::Op::pick_tokens, pick_tokens},
};

}  // namespace

std::span<const KernelRow> token_kernels() { return rows; }

}  // namespace qb::reference
