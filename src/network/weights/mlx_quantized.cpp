// MLX's layouts (mlx-lm convert): codes of a row one after another in words, and for each group a
// scale and an offset, or a scale of 8 bits alone where codes are small floats.
#include "network/weights/quantized_parts.h"

namespace qb::weights {
namespace {

struct Mode {
  std::string_view name;
  int32_t bits;
  int64_t group_size;
  bool has_e4m3_scales;  // otherwise powers of two
};
constexpr Mode float_modes[] = {
    {"mxfp4", 4, 32, false}, {"mxfp8", 8, 32, false}, {"nvfp4", 4, 16, true}};

class MlxCoding : public Coding {
 public:
  void read_row(int64_t row, CodedRow& out) const override {
    const auto row_words = static_cast<uint64_t>(column_count * bits / 32);
    const auto stored = [&](uint64_t word) {
      return codes[static_cast<uint64_t>(row) * row_words + word];
    };
    out.codes.resize(static_cast<size_t>(column_count));
    for (int64_t x = 0; x < column_count; ++x)
      out.codes[static_cast<size_t>(x)] = static_cast<uint8_t>(field(stored, x, bits));
    out.scales.resize(static_cast<size_t>(group_count));
    if (values.empty()) out.offsets.resize(static_cast<size_t>(group_count));
    for (int64_t g = 0; g < group_count; ++g) {
      const int64_t at = row * group_count + g;
      out.scales[static_cast<size_t>(g)] =
          values.empty() ? element_of(scales, at)
                         : scale_values[static_cast<size_t>(scales.bytes[static_cast<size_t>(at)])];
      if (values.empty()) out.offsets[static_cast<size_t>(g)] = element_of(biases, at);
    }
  }

  Words codes;                      // [row_count, column_count * bits / 32]
  StoredTensor scales;              // [row_count, group_count]
  StoredTensor biases;              // the same; of integers only
  std::vector<float> scale_values;  // of scales of 8 bits: [256]
};

Result<Mode> mode_of(const Json& settings) {
  const std::string name = settings.contains("mode") ? settings["mode"].as_string() : "affine";
  for (const Mode& mode : float_modes)
    if (mode.name == name) return mode;
  const int64_t bits = settings["bits"].as_int();
  const int64_t group_size = settings["group_size"].as_int();
  if (name != "affine" || bits < 2 || bits > 8 || bits == 7 || group_size < 1)
    return fail(Errc::unsupported, "MLX's mode \"{}\" with {} bits in groups of {} is not read",
                name, bits, group_size);
  return Mode{"affine", static_cast<int32_t>(bits), group_size, false};
}

}  // namespace

Joined join_mlx(const Parts& parts, const Json& settings) {
  QB_TRY(const Mode mode, mode_of(settings));
  const bool is_affine = mode.name == "affine";
  auto coding = std::make_shared<MlxCoding>();
  QB_TRY(const StoredTensor codes, parts.need("weight", "U32", {-1, -1}));
  coding->bits = mode.bits;
  coding->row_count = codes.shape[0];
  coding->column_count = codes.shape[1] * 32 / mode.bits;
  coding->group_count = coding->column_count / mode.group_size;
  if (codes.shape[1] * 32 % mode.bits != 0 || coding->column_count % mode.group_size != 0)
    return fail(Errc::bad_input, "{} holds no whole groups of {} codes of {} bits", codes.name,
                mode.group_size, mode.bits);
  const std::vector<int64_t> shape = {coding->row_count, coding->group_count};
  QB_TRY(coding->scales, parts.need("scales", is_affine ? float_types : "U8", shape));
  if (is_affine) {
    QB_TRY(coding->biases, parts.need("biases", float_types, shape));
    coding->name = fmt::format("mlx-w{}g{}", mode.bits, mode.group_size);
  } else {
    coding->values = mode.bits == 4 ? values_of<e2m1_to_float>(4) : values_of<e4m3_to_float>(8);
    coding->scale_values =
        mode.has_e4m3_scales ? values_of<e4m3_to_float>(8) : values_of<e8m0_to_float>(8);
    coding->name = fmt::format("mlx-{}", mode.name);
  }
  coding->group_of_column = consecutive_groups(coding->column_count, mode.group_size);
  coding->codes = Words(codes.bytes);
  return coding;
}

}  // namespace qb::weights
