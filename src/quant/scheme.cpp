// The scheme table.
#include "quant/scheme.h"

namespace qb::quant {
namespace {

constexpr Scheme rows[] = {
    {.name = "fp32", .summary = "32-bit floating point: the weights as they are."},
    {.name = "fp16",
     .weight_type = WeightType::f16,
     .weight_bits = 16,
     .summary = "IEEE half precision storage."},
    {.name = "bf16",
     .weight_type = WeightType::bf16,
     .weight_bits = 16,
     .summary = "bfloat16 storage: the range of fp32 with 8 bits of precision."},
    {.name = "w8c",
     .weight_type = WeightType::integer,
     .weight_bits = 8,
     .granularity = Granularity::channel,
     .summary = "8-bit weights, one scale and zero point for each output channel."},
    {.name = "w8cs",
     .weight_type = WeightType::integer,
     .weight_bits = 8,
     .granularity = Granularity::channel,
     .symmetric = true,
     .summary = "8-bit weights, one scale for each output channel, symmetric about zero."},
    {.name = "w8g64",
     .weight_type = WeightType::integer,
     .weight_bits = 8,
     .granularity = Granularity::group,
     .group_size = 64,
     .summary = "8-bit weights, one scale and zero point for each 64 weights of a row."},
    {.name = "w8g64s",
     .weight_type = WeightType::integer,
     .weight_bits = 8,
     .granularity = Granularity::group,
     .group_size = 64,
     .symmetric = true,
     .summary = "8-bit weights, one scale for each 64 weights of a row, symmetric about zero."},
    {.name = "w4g32",
     .weight_type = WeightType::integer,
     .weight_bits = 4,
     .granularity = Granularity::group,
     .group_size = 32,
     .summary = "4-bit weights, one scale and zero point for each 32 weights of a row."},
    {.name = "w4g32s",
     .weight_type = WeightType::integer,
     .weight_bits = 4,
     .granularity = Granularity::group,
     .group_size = 32,
     .symmetric = true,
     .summary = "4-bit weights, one scale for each 32 weights of a row, symmetric about zero."},
    {.name = "w4g64",
     .weight_type = WeightType::integer,
     .weight_bits = 4,
     .granularity = Granularity::group,
     .group_size = 64,
     .summary = "4-bit weights, one scale and zero point for each 64 weights of a row."},
    {.name = "w4g64s",
     .weight_type = WeightType::integer,
     .weight_bits = 4,
     .granularity = Granularity::group,
     .group_size = 64,
     .symmetric = true,
     .summary = "4-bit weights, one scale for each 64 weights of a row, symmetric about zero."},
    {.name = "w4g128",
     .weight_type = WeightType::integer,
     .weight_bits = 4,
     .granularity = Granularity::group,
     .group_size = 128,
     .summary = "4-bit weights, one scale and zero point for each 128 weights of a row."},
    {.name = "w4g128s",
     .weight_type = WeightType::integer,
     .weight_bits = 4,
     .granularity = Granularity::group,
     .group_size = 128,
     .symmetric = true,
     .summary = "4-bit weights, one scale for each 128 weights of a row, symmetric about zero."},
};

static_assert(
    [] {
      for (const Scheme& row : rows) {
        const bool packed = row.weight_type == WeightType::integer;
        if (packed != (row.weight_bits <= 8)) return false;
        if ((row.granularity == Granularity::group) != (row.group_size > 0)) return false;
        if (packed == (row.granularity == Granularity::none)) return false;
      }
      return true;
    }(),
    "bits, granularity and group size agree in every row");

}  // namespace

std::span<const Scheme> schemes() { return rows; }

Result<Scheme> find_scheme(std::string_view name) {
  std::string known;
  for (const Scheme& row : rows) {
    if (row.name == name) return row;
    known += fmt::format("{}{}", known.empty() ? "" : " ", row.name);
  }
  return fail(Errc::bad_input, "unknown scheme \"{}\"; known: {}", name, known);
}

}  // namespace qb::quant
