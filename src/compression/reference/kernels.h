// One function an operator: what it computes, on f32 arrays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "network/ir/operators.h"

namespace qb::reference {

// A row-major array; integer values (tokens, positions) are in `integers`.
struct Array {
  std::vector<int64_t> shape;
  std::span<const float> values;
  std::span<const int64_t> integers;

  int64_t extent(size_t axis) const { return shape[axis]; }
  int64_t last() const { return shape.back(); }
};

struct KernelArguments {
  std::span<const Array> inputs;
  const ir::Attributes& attributes;
  int64_t past_tokens = 0;
  std::span<const std::span<float>> states;  // caches to update, in the order of the inputs
  Array out;                                 // its shape; the values go to out_values
  std::span<float> out_values;
};

using Kernel = Result<void> (*)(const KernelArguments&);
struct KernelRow {
  ir::Op op;
  Kernel kernel;
};
Kernel kernel_of(ir::Op op);

// One function an operator, and its row, in attention.cpp, pooling.cpp, …; what stands alone is in
// kernels.cpp.
std::span<const KernelRow> attention_kernels();
std::span<const KernelRow> pooling_kernels();
std::span<const KernelRow> norm_kernels();
std::span<const KernelRow> token_kernels();
std::span<const KernelRow> activation_kernels();

}  // namespace qb::reference
