// A scheme: how weights are stored and how activations are rounded. A value, parsed from its name:
//
//   base[:range][+option]...    w4g64   dyn8c:token   static8c:entropy   w4g128+mse+gptq
//   auto:4.5bpw   as-is
//
// Quantized are the weights of linear, convolution, embedding and head; vectors (norms, biases,
// batch-norm statistics) stay fp32 in every scheme.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compression/quant/microscaling.h"
#include "network/ggml/block_formats.h"

namespace qb::quant {

enum class WeightType : uint8_t {
  f32,
  f16,
  bf16,
  integer,  // packed codes, see packed.h
  block,    // a block format of GGUF
  micro,    // small floats that share scales, see microscaling.h
  table,    // entries of small tables, see table.h
  mixed,    // integer, of bits that are chosen for each parameter
  given,    // each parameter as the checkpoint stores it
};
enum class Granularity : uint8_t {
  none,     // floating point
  tensor,   // one scale for the whole weight
  channel,  // one scale for each row (output channel, vocabulary entry)
  group,    // one scale for each run of group_size weights in a row; one table for group_size rows
};
enum class Activations : uint8_t {
  none,      // floating point
  on_run,    // 8 bits, the range taken from each input at each run ("dynamic")
  by_token,  // 8 bits, symmetric, a scale for each token of a linear's input, taken at each run
  measured,  // 8 bits, the range measured once on a calibration set ("static")
};

// How a measured range becomes the range that is quantized.
enum class Calibration : uint8_t { min_max, moving_average, percentile, mse, entropy };
struct CalibrationRow {
  Calibration calibration;
  std::string_view name;
  std::string_view summary;
};
std::span<const CalibrationRow> calibrations();

// What may be added to a scheme; a bit each.
enum Option : uint32_t {
  option_mse = 1u << 0,
  option_hqq = 1u << 1,
  option_gptq = 1u << 2,
  option_awq = 1u << 3,
  option_smooth = 1u << 4,
  option_fold = 1u << 5,
  option_cle = 1u << 6,
  option_bias = 1u << 7,
  option_inner = 1u << 8,
  option_lora = 1u << 9,
};
struct OptionRow {
  Option option;
  std::string_view name;
  std::string_view summary;
  bool needs_calibration = false;
};
std::span<const OptionRow> options();

// What a weight is to the network; a bit each.
enum Role : uint32_t {
  role_linear = 1u << 0,
  role_convolution = 1u << 1,
  role_embedding = 1u << 2,
  role_head = 1u << 3,  // the linear that gives the outputs
  role_adapter =
      1u << 4,  // a branch of low rank beside a linear; fp32 unless all weights are floats
};

struct Scheme {
  std::string name;
  WeightType weight_type = WeightType::f32;
  int32_t weight_bits = 32;
  Granularity granularity = Granularity::none;
  int32_t group_size = 0;
  bool symmetric = false;
  Activations activations = Activations::none;
  Calibration calibration = Calibration::min_max;
  ggml::BlockFormat block = ggml::BlockFormat::q8_0;
  Microscaling micro = Microscaling::mxfp4;
  double target_bits = 0.0;  // mixed: stored bits for each quantizable weight, at most
  uint32_t options = 0;
  std::string summary;  // one sentence

  bool has(Option option) const { return (options & option) != 0; }
  bool needs_calibration() const;
  // The roles it quantizes: a weight is quantized when all its roles are among them.
  uint32_t roles() const;
  // Whether batch norms are folded into convolutions first.
  bool folds() const;
};

// "linear, convolution, embedding, head"
std::string describe_roles(uint32_t roles);

// The schemes that are listed, and measured by "all": every base, and the calibrations and options
// on one base each. Any other combination can be named.
const std::vector<Scheme>& schemes();

// The bases alone.
const std::vector<Scheme>& base_schemes();

// The base of a scheme: without calibration and options.
const Scheme& base_of(const Scheme& scheme);

// An unknown name is an error that lists the known ones, a contradiction one that says which.
Result<Scheme> find_scheme(std::string_view name);

}  // namespace qb::quant
