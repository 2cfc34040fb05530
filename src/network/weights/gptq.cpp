// GPTQ's layout: codes are packed into words down the inputs, so a row of the weight is a column of
// what is stored.
#include "network/weights/quantized_parts.h"

namespace qb::weights {
namespace {

class GptqCoding : public Coding {
 public:
  void read_row(int64_t row, CodedRow& out) const override {
    const auto stored = [&](uint64_t word) {
      return codes[word * static_cast<uint64_t>(row_count) + static_cast<uint64_t>(row)];
    };
    out.codes.resize(static_cast<size_t>(column_count));
    for (int64_t x = 0; x < column_count; ++x)
      out.codes[static_cast<size_t>(x)] = static_cast<uint8_t>(field(stored, x, bits));
    out.scales.resize(static_cast<size_t>(group_count));
    out.zero_points.resize(static_cast<size_t>(group_count));
    for (int64_t g = 0; g < group_count; ++g) {
      out.scales[static_cast<size_t>(g)] = element_of(scales, g * row_count + row);
      out.zero_points[static_cast<size_t>(g)] = static_cast<float>(zero_point(row, g));
    }
  }

  Words codes;                   // [column_count * bits / 32, row_count]
  Words zeros;                   // [group_count, row_count * bits / 32]
  StoredTensor scales;           // [group_count, row_count]
  bool stores_one_less = false;  // of each zero point

 private:
  // The first format of GPTQ's files holds each zero point less one, taken from the whole word: so
  // a zero point of 0 has borrowed from its neighbour, and one is added back to the word.
  uint32_t zero_point(int64_t row, int64_t group) const {
    const auto row_words = static_cast<uint64_t>(row_count * bits / 32);
    const auto stored = [&](uint64_t word) {
      uint32_t ones = 0;
      for (uint64_t bit = 0; bit < 32; ++bit)
        if ((word * 32 + bit) % static_cast<uint64_t>(bits) == 0) ones |= 1u << bit;
      const uint32_t value = zeros[static_cast<uint64_t>(group) * row_words + word];
      return stores_one_less ? value + ones : value;
    };
    return field(stored, row, bits);
  }
};

// The group of each input as the file lists it.
Result<std::vector<int32_t>> listed_groups(const StoredTensor& tensor, int64_t group_count) {
  const Words words(tensor.bytes);
  std::vector<int32_t> groups(static_cast<size_t>(tensor.shape[0]));
  for (size_t x = 0; x < groups.size(); ++x) {
    groups[x] = static_cast<int32_t>(words[x]);
    if (groups[x] < 0 || groups[x] >= group_count)
      return fail(Errc::bad_input, "{} names group {} of {}", tensor.name, groups[x], group_count);
  }
  return groups;
}

}  // namespace

Joined join_gptq(const Parts& parts, const Json& settings) {
  const auto bits = static_cast<int32_t>(settings["bits"].as_int());
  if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
    return fail(Errc::unsupported, "GPTQ with {} bits is not read", settings["bits"].as_int());
  const std::string version =
      settings.contains("checkpoint_format") ? settings["checkpoint_format"].as_string() : "gptq";
  if (version != "gptq" && version != "gptq_v2")
    return fail(Errc::unsupported, "GPTQ's format \"{}\" is not read", version);
  auto coding = std::make_shared<GptqCoding>();
  QB_TRY(const StoredTensor codes, parts.need("qweight", "I32", {-1, -1}));
  coding->bits = bits;
  coding->row_count = codes.shape[1];
  coding->column_count = codes.shape[0] * 32 / bits;
  if (codes.shape[0] * 32 % bits != 0 || coding->row_count * bits % 32 != 0)
    return fail(Errc::bad_input, "{} holds no whole codes", codes.name);
  QB_TRY(coding->scales, parts.need("scales", float_types, {-1, coding->row_count}));
  coding->group_count = coding->scales.shape[0];
  QB_TRY(const StoredTensor zeros,
         parts.need("qzeros", "I32", {coding->group_count, coding->row_count * bits / 32}));
  const int64_t group_size = settings["group_size"].as_int(-1);
  if (parts.find("g_idx")) {
    QB_TRY(const StoredTensor listed, parts.need("g_idx", "I32", {coding->column_count}));
    QB_TRY(coding->group_of_column, listed_groups(listed, coding->group_count));
  } else {
    const int64_t size = group_size > 0 ? group_size : coding->column_count;
    if ((coding->column_count + size - 1) / size != coding->group_count)
      return fail(Errc::bad_input, "{} has {} groups of {} for {} inputs", coding->scales.name,
                  coding->group_count, size, coding->column_count);
    coding->group_of_column = consecutive_groups(coding->column_count, size);
  }
  coding->codes = Words(codes.bytes);
  coding->zeros = Words(zeros.bytes);
  coding->stores_one_less = version == "gptq";
  coding->name = coding_name("gptq", bits, group_size, settings["sym"].as_bool());
  return coding;
}

}  // namespace qb::weights
