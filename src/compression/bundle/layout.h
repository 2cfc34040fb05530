// What writer and reader of a bundle agree on.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "compression/bundle/bundle.h"
#include "compression/quant/quantize.h"

namespace qb::bundle {

// Part of every recipe: raised when the files change, and when any fit gives other bits than
// before, so that a bundle of an older qbench is not taken for one of this.
inline constexpr int64_t format_version = 3;
inline constexpr int64_t array_alignment = 64;

// A parameter as a matrix: the trailing dimensions flattened.
struct Extent {
  int64_t row_count = 1;
  int64_t column_count = 1;
};
Extent extent_of(const std::vector<int64_t>& shape);

// What the names of the parameters of an adapter's branches end with: linear(linear(x, a), b).
inline constexpr std::string_view adapter_down = ".lora_a.weight";
inline constexpr std::string_view adapter_up = ".lora_b.weight";

// Whether every use of the parameter is an operator's quantizable input; others are f32 always.
bool is_quantizable(const ir::Graph& graph, ir::Value parameter);

// What a quantizable parameter is to the network: quant::Role bits, more than one when it is tied.
uint32_t roles_of(const ir::Graph& graph, ir::Value parameter);

// Whether the scheme stores it other than in f32: it is quantizable in all its roles.
bool is_quantized(const ir::Graph& graph, ir::Value parameter, const quant::Scheme& scheme);

// The block format for rows of that length; nothing: no block fits, and fp16 it is.
std::optional<ggml::BlockFormat> fitting_block(ggml::BlockFormat format, int64_t column_count);

}  // namespace qb::bundle
