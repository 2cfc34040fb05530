// Quantized weights in MLX's layout, and what its kernels do with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "measurement/engines/mlx/arrays.h"
#include "measurement/lowering/grouped_weight.h"

namespace qb::mlx {

// weight = code * scale + bias over groups of a row (`mode` says what codes and scales are:
// integers and floats, or the small floats of a microscaling format, which have no biases); the
// codes of `bits` bits in 32-bit words, the first in the lowest.
struct QuantizedWeight {
  mx::array codes;                  // u32 [row_count, stored_columns * bits / 32]
  mx::array scales;                 // of `type`, or u8 [row_count, groups]
  std::optional<mx::array> biases;  // as scales
  int64_t column_count = 0;
  int64_t stored_columns = 0;  // whole groups: padding decodes to 0
  int group_size = 0;
  int bits = 0;
  std::string mode = "affine";
  mx::Dtype type = mx::float32;  // what it decodes to
};

// The bundle's codes as they are, and its scales in `type`. Errors: unsupported, for groups that
// MLX doesn't have.
Result<QuantizedWeight> load_quantized(const bundle::Parameter& parameter, mx::Dtype type);
// Weights of as many columns, stored alike, as one: the rows of the first, then of the second, …
QuantizedWeight rows_joined(std::span<const QuantizedWeight> weights);
QuantizedWeight to_mlx(const lowering::GroupedWeight& grouped);
QuantizedWeight to_mlx(const quant::MicroscaledView& microscaled);

// A weight cut into rows that are multiplied at the same time, each part on a stream of its own:
// MLX's kernel uses one thread. The parts are views of the weight's memory.
class Product {
 public:
  Product(const QuantizedWeight& weight, std::span<const mx::Stream> streams);
  // x [..., column_count] times the weight's transpose.
  mx::array operator()(const mx::array& x) const;

 private:
  std::vector<QuantizedWeight> parts_;
  std::vector<mx::Stream> streams_;
};

// Its rows at `indices`, dequantized: [..., column_count].
mx::array rows_at(const QuantizedWeight& w, const mx::array& indices);
// All of it, [row_count, column_count].
mx::array dequantized(const QuantizedWeight& w);

}  // namespace qb::mlx
