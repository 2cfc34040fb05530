// The layouts of compressed-tensors (llm-compressor): packed integers, 8-bit integers, E4M3 floats.
#include "network/weights/quantized_parts.h"

namespace qb::weights {
namespace {

// Codes are stored as numbers plus half their range, as are zero points.
class PackedCoding : public Coding {
 public:
  void read_row(int64_t row, CodedRow& out) const override {
    const auto stored = [&](uint64_t word) {
      return codes[static_cast<uint64_t>(row * row_words) + word];
    };
    out.codes.resize(static_cast<size_t>(column_count));
    for (int64_t x = 0; x < column_count; ++x)
      out.codes[static_cast<size_t>(x)] = static_cast<uint8_t>(field(stored, x, bits));
    out.scales.resize(static_cast<size_t>(group_count));
    out.zero_points.assign(static_cast<size_t>(group_count), static_cast<float>(1 << (bits - 1)));
    for (int64_t g = 0; g < group_count; ++g) {
      out.scales[static_cast<size_t>(g)] = element_of(scales, row * group_count + g);
      if (!has_zeros) continue;
      const auto down = [&](uint64_t word) {  // packed along the outputs
        return zeros[word * static_cast<uint64_t>(group_count) + static_cast<uint64_t>(g)];
      };
      out.zero_points[static_cast<size_t>(g)] = static_cast<float>(field(down, row, bits));
    }
  }

  Words codes;  // [row_count, row_words]
  int64_t row_words = 0;
  Words zeros;  // [row_count * bits / 32, rounded up; group_count]
  bool has_zeros = false;
  StoredTensor scales;  // [row_count, group_count]
};

// One byte a weight: a signed integer, or a float of 8 bits.
class ByteCoding : public Coding {
 public:
  void read_row(int64_t row, CodedRow& out) const override {
    const auto first = static_cast<size_t>(row * column_count);
    out.codes.resize(static_cast<size_t>(column_count));
    for (size_t x = 0; x < out.codes.size(); ++x)
      out.codes[x] = static_cast<uint8_t>(static_cast<uint8_t>(codes[first + x]) + shift);
    const int64_t scale_row = scales.element_count() == 1 ? 0 : row / rows_a_scale;
    out.scales.resize(static_cast<size_t>(group_count));
    for (int64_t g = 0; g < group_count; ++g)
      out.scales[static_cast<size_t>(g)] = element_of(scales, scale_row * group_count + g);
    out.zero_points.assign(static_cast<size_t>(group_count), static_cast<float>(shift));
  }

  std::span<const std::byte> codes;  // [row_count, column_count]
  StoredTensor scales;               // one, or [row_count / rows_a_scale, group_count]
  int64_t rows_a_scale = 1;
  uint8_t shift = 0;  // 128: makes an integer a code
};

Reading reading_of(const Json& activations) {
  if (!activations.is_object()) return Reading::floats;
  const bool is_known =
      activations["num_bits"].as_int() == 8 &&
      (activations["type"].is_null() || activations["type"].as_string() == "int") &&
      activations["strategy"].as_string() == "token" && activations["dynamic"].as_bool() &&
      activations["symmetric"].as_bool(true);
  return is_known ? Reading::int8_by_token : Reading::otherwise;
}

std::string name_of(const Json& weights) {
  return coding_name("ct", weights["num_bits"].as_int(), weights["group_size"].as_int(),
                     weights["symmetric"].as_bool(true));
}

Joined join_packed(const Parts& parts, const Json& group) {
  const Json& weights = group["weights"];
  const int64_t bits = weights["num_bits"].as_int();
  if (bits < 1 || bits > 8)
    return fail(Errc::unsupported, "compressed-tensors' pack-quantized with {} bits is not read",
                bits);
  if (parts.find("weight_g_idx"))
    return fail(Errc::unsupported, "compressed-tensors' order of activations is not read");
  auto coding = std::make_shared<PackedCoding>();
  QB_TRY(const StoredTensor codes, parts.need("weight_packed", "I32", {-1, -1}));
  QB_TRY(const StoredTensor shape, parts.need("weight_shape", "I64", {2}));
  std::memcpy(&coding->column_count, shape.bytes.data() + sizeof(int64_t), sizeof(int64_t));
  coding->bits = static_cast<int32_t>(bits);
  coding->row_count = codes.shape[0];
  coding->row_words = codes.shape[1];
  if (coding->column_count < 1 || coding->column_count > codes.shape[1] * 32 / bits ||
      (coding->column_count * bits + 31) / 32 != codes.shape[1])
    return fail(Errc::bad_input, "{} holds {} words a row for {} codes of {} bits", codes.name,
                codes.shape[1], coding->column_count, bits);
  QB_TRY(coding->scales, parts.need("weight_scale", float_types, {coding->row_count, -1}));
  coding->group_count = coding->scales.shape[1];
  if (coding->group_count == 0 || coding->column_count % coding->group_count != 0)
    return fail(Errc::bad_input, "{} has {} groups for {} inputs", coding->scales.name,
                coding->group_count, coding->column_count);
  if (parts.find("weight_zero_point")) {
    QB_TRY(const StoredTensor zeros,
           parts.need("weight_zero_point", "I32",
                      {(coding->row_count * bits + 31) / 32, coding->group_count}));
    coding->zeros = Words(zeros.bytes);
    coding->has_zeros = true;
  }
  coding->group_of_column =
      consecutive_groups(coding->column_count, coding->column_count / coding->group_count);
  coding->codes = Words(codes.bytes);
  coding->name = name_of(weights);
  coding->reading = reading_of(group["input_activations"]);
  return coding;
}

Joined join_bytes(const Parts& parts, const Json& group, bool is_float) {
  const Json& weights = group["weights"];
  auto coding = std::make_shared<ByteCoding>();
  QB_TRY(const StoredTensor codes, parts.need("weight", is_float ? "F8_E4M3" : "I8", {-1, -1}));
  if (parts.find("weight_zero_point"))
    return fail(Errc::unsupported, "{} with zero points is not read", codes.name);
  coding->bits = 8;
  coding->row_count = codes.shape[0];
  coding->column_count = codes.shape[1];
  coding->codes = codes.bytes;
  const StoredTensor* scales = parts.find("weight_scale");
  if (scales && scales->element_count() == 1) {
    QB_TRY(coding->scales, parts.need("weight_scale", float_types, scales->shape));
  } else {
    const auto& block = weights["block_structure"].as_array();
    const bool is_blocked = block.size() == 2 && block[0].as_int() > 0 && block[1].as_int() > 0;
    coding->rows_a_scale = is_blocked ? block[0].as_int() : 1;
    const int64_t columns = is_blocked ? block[1].as_int() : coding->column_count;
    const auto blocks = [](int64_t count, int64_t size) { return (count + size - 1) / size; };
    coding->group_count = blocks(coding->column_count, columns);
    QB_TRY(coding->scales,
           parts.need("weight_scale", float_types,
                      {blocks(coding->row_count, coding->rows_a_scale), coding->group_count}));
    coding->group_of_column = consecutive_groups(coding->column_count, columns);
  }
  coding->group_of_column.resize(static_cast<size_t>(coding->column_count));
  if (is_float)
    coding->values = values_of<e4m3_to_float>(8);
  else
    coding->shift = 128;
  coding->reading = reading_of(group["input_activations"]);
  coding->name = is_float                             ? "ct-fp8"
                 : coding->reading == Reading::floats ? name_of(weights)
                                                      : "ct-w8a8";
  return coding;
}

}  // namespace

Joined join_compressed(const Parts& parts, const Json& group, std::string_view format) {
  if (format == "pack-quantized") return join_packed(parts, group);
  if (format == "int-quantized") return join_bytes(parts, group, false);
  if (format == "float-quantized") return join_bytes(parts, group, true);
  return fail(Errc::unsupported, "compressed-tensors' format \"{}\" is not read", format);
}

}  // namespace qb::weights
