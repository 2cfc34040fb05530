// What moves and adds rows of [batch, tokens, width].
#include <algorithm>

#include "compression/reference/kernels.h"

namespace qb::reference {

Result<void> select_positions(const KernelArguments& a);
Result<void> to_tokens(const KernelArguments& a);
Result<void> prepend_token(const KernelArguments& a);
Result<void> add_positions(const KernelArguments& a);
Result<void> mean_tokens(const KernelArguments& a);

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
  if (x.extent(1) > table.extent(0))
    return fail(Errc::bad_input, "{} tokens, but positions for {}", x.extent(1), table.extent(0));
  const auto one = static_cast<size_t>(x.extent(1) * x.last());
  for (size_t i = 0; i < a.out_values.size(); ++i)
    a.out_values[i] = x.values[i] + table.values[i % one];
  return {};
}

Result<void> mean_tokens(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  for (int64_t batch = 0; batch < x.extent(0); ++batch) {
    for (int64_t i = 0; i < x.last(); ++i) {
      double sum = 0.0;
      for (int64_t token = 0; token < x.extent(1); ++token)
        sum += x.values[static_cast<size_t>((batch * x.extent(1) + token) * x.last() + i)];
      a.out_values[static_cast<size_t>(batch * x.last() + i)] =
          static_cast<float>(sum / static_cast<double>(x.extent(1)));
    }
  }
  return {};
}

}  // namespace qb::reference
