// AWQ's layout: codes are packed into words along the outputs, so a row of the weight is a column
// of what is stored.
#include "network/weights/quantized_parts.h"

namespace qb::weights {
namespace {

class AwqCoding : public Coding {
 public:
  void read_row(int64_t row, CodedRow& out) const override {
    out.codes.resize(static_cast<size_t>(column_count));
    for (int64_t x = 0; x < column_count; ++x)
      out.codes[static_cast<size_t>(x)] = nibble(codes, x, row);
    out.scales.resize(static_cast<size_t>(group_count));
    out.zero_points.resize(static_cast<size_t>(group_count));
    for (int64_t g = 0; g < group_count; ++g) {
      out.scales[static_cast<size_t>(g)] = element_of(scales, g * row_count + row);
      out.zero_points[static_cast<size_t>(g)] = static_cast<float>(nibble(zeros, g, row));
    }
  }

  Words codes;  // [column_count, row_count / 8]
  Words zeros;  // [group_count, row_count / 8]
  StoredTensor scales;

 private:
  // Which nibble of a word an output is, from the low end.
  static constexpr std::array<uint32_t, 8> place = {0, 4, 1, 5, 2, 6, 3, 7};
  uint8_t nibble(const Words& words, int64_t line, int64_t row) const {
    const auto at = static_cast<uint64_t>(line * (row_count / 8) + row / 8);
    return static_cast<uint8_t>(words[at] >> (4 * place[static_cast<size_t>(row % 8)]) & 15);
  }
};

}  // namespace

Joined join_awq(const Parts& parts, const Json& settings) {
  const std::string version =
      settings.contains("version") ? settings["version"].as_string() : "gemm";
  if (settings["bits"].as_int() != 4 || (version != "gemm" && version != "GEMM"))
    return fail(Errc::unsupported, "AWQ with {} bits in the layout \"{}\" is not read",
                settings["bits"].as_int(), version);
  auto coding = std::make_shared<AwqCoding>();
  QB_TRY(const StoredTensor codes, parts.need("qweight", "I32", {-1, -1}));
  coding->bits = 4;
  coding->column_count = codes.shape[0];
  coding->row_count = codes.shape[1] * 8;
  QB_TRY(coding->scales, parts.need("scales", float_types, {-1, coding->row_count}));
  coding->group_count = coding->scales.shape[0];
  QB_TRY(const StoredTensor zeros,
         parts.need("qzeros", "I32", {coding->group_count, codes.shape[1]}));
  if (coding->group_count == 0 || coding->column_count % coding->group_count != 0)
    return fail(Errc::bad_input, "{} has {} groups for {} inputs", coding->scales.name,
                coding->group_count, coding->column_count);
  const int64_t group_size = coding->column_count / coding->group_count;
  coding->group_of_column = consecutive_groups(coding->column_count, group_size);
  coding->codes = Words(codes.bytes);
  coding->zeros = Words(zeros.bytes);
  coding->name = coding_name("awq", 4, settings["group_size"].as_int(-1), false);
  return coding;
}

}  // namespace qb::weights
