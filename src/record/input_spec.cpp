#include "record/input_spec.h"

#include <charconv>
#include <cmath>

#include "base/checked.h"

namespace qb {
namespace {

constexpr uint64_t bytes_max = uint64_t{1} << 36;  // of one input: a typing error, not a tensor
constexpr size_t rank_max = 32;

template <typename T>
bool parse_whole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

Result<std::vector<int64_t>> parse_shape(std::string_view text) {
  std::vector<int64_t> shape;
  if (text == "scalar") return shape;
  uint64_t size_bytes = 8;
  while (true) {
    const size_t end = text.find('x');
    int64_t extent = 0;
    if (!parse_whole(text.substr(0, end), extent) || extent < 1)
      return fail(Errc::bad_input, "\"{}\" is no extent; a shape is written 1x3x224x224 or scalar",
                  text.substr(0, end));
    const auto product = checked_multiply(size_bytes, static_cast<uint64_t>(extent));
    if (!product || *product > bytes_max || shape.size() == rank_max)
      return fail(Errc::bad_input, "the shape is larger than qbench takes");
    size_bytes = *product;
    shape.push_back(extent);
    if (end == std::string_view::npos) return shape;
    text.remove_prefix(end + 1);
  }
}

Result<InputSpec::Range> parse_range(std::string_view text) {
  InputSpec::Range range;
  const size_t dots = text.find("..");
  const bool is_good = dots == std::string_view::npos
                           ? parse_whole(text, range.low) && parse_whole(text, range.high)
                           : parse_whole(text.substr(0, dots), range.low) &&
                                 parse_whole(text.substr(dots + 2), range.high) &&
                                 range.low <= range.high;
  if (!is_good || !std::isfinite(range.low) || !std::isfinite(range.high))
    return fail(Errc::bad_input, "\"{}\" is no value such as 16000 and no range such as 0..30521",
                text);
  return range;
}

Result<ElementType> parse_type(std::string_view text) {
  const auto type = find_element_type(text);
  if (!type)
    return fail(Errc::bad_input,
                "unknown type \"{}\"; known: f32 f64 f16 bf16 i64 i32 i16 i8 u8 bool", text);
  return *type;
}

// SHAPE:TYPE:VALUES, each of which may be empty.
Result<void> parse_parts(std::string_view text, InputSpec& spec) {
  std::string_view parts[3];
  for (std::string_view& part : parts) {
    const size_t end = text.find(':');
    part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  if (!text.empty()) return fail(Errc::bad_input, "\"{}\" is left over", text);
  if (!parts[0].empty()) {
    QB_TRY(spec.shape, parse_shape(parts[0]));
  }
  if (!parts[1].empty()) {
    QB_TRY(spec.type, parse_type(parts[1]));
  }
  if (!parts[2].empty()) {
    QB_TRY(spec.range, parse_range(parts[2]));
  }
  return {};
}

}  // namespace

Result<InputSpec> parse_input_spec(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size())
    return fail(Errc::bad_input,
                "--input {}: must be NAME=SHAPE:TYPE, as in x=1x3x224x224:f32, or NAME=FILE.npy",
                text);
  InputSpec spec = {.name = std::string(text.substr(0, equals))};
  const std::string_view value = text.substr(equals + 1);
  if (value.ends_with(".npy")) {
    spec.file = value;
    return spec;
  }
  if (auto parsed = parse_parts(value, spec); !parsed)
    return tl::unexpected(with_context(parsed.error(), fmt::format("--input {}", text)));
  return spec;
}

Json to_json(const InputSpec& spec) {
  Json json = Json::object({{"name", spec.name}});
  if (spec.shape) json.set("shape", Json::array_of(*spec.shape));
  if (spec.type) json.set("type", name_of(*spec.type));
  if (spec.range) json.set("low", spec.range->low).set("high", spec.range->high);
  if (!spec.file.empty()) json.set("file", spec.file);
  return json;
}

Result<InputSpec> input_spec_from_json(const Json& json) {
  InputSpec spec;
  QB_TRY(spec.name, json.get_string("name"));
  if (json.contains("shape")) {
    std::vector<int64_t> shape;
    for (const Json& extent : json["shape"].as_array()) shape.push_back(extent.as_int());
    QB_TRY(spec.shape,
           shape.empty() ? Result<std::vector<int64_t>>(shape) : parse_shape(shape_text(shape)));
  }
  if (json.contains("type")) {
    QB_TRY(spec.type, parse_type(json["type"].as_string()));
  }
  if (json.contains("low")) spec.range = {json["low"].as_double(), json["high"].as_double()};
  spec.file = json["file"].as_string();
  return spec;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, "x"));
}

}  // namespace qb
