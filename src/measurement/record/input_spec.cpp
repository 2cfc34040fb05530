#include "measurement/record/input_spec.h"

#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>

#include "base/checked.h"
#include "base/number.h"

namespace qb {
namespace {

constexpr uint64_t bytes_max = uint64_t{1} << 36;  // of one input: a typing error, not a tensor
constexpr size_t rank_max = 32;

Result<std::vector<int64_t>> parse_shape(std::string_view text) {
  std::vector<int64_t> shape;
  if (text == "scalar") return shape;
  uint64_t size_bytes = 8;
  while (true) {
    const size_t end = text.find('x');
    const auto extent = parse_number<int64_t>(text.substr(0, end));
    if (!extent || *extent < 0)
      return fail(Errc::bad_input, "\"{}\" is no extent; a shape is written 1x3x224x224 or scalar",
                  text.substr(0, end));
    const auto product = checked_multiply(size_bytes, static_cast<uint64_t>(*extent));
    if (!product || *product > bytes_max || shape.size() == rank_max)
      return fail(Errc::bad_input, "the shape is larger than qbench takes");
    size_bytes = *product;
    shape.push_back(*extent);
    if (end == std::string_view::npos) return shape;
    text.remove_prefix(end + 1);
  }
}

Result<InputSpec::Range> parse_range(std::string_view text) {
  if (text == "true") return InputSpec::Range{1.0, 1.0};
  if (text == "false") return InputSpec::Range{};
  const size_t dots = text.find("..");
  const auto low = parse_number<double>(text.substr(0, dots));
  const auto high =
      dots == std::string_view::npos ? low : parse_number<double>(text.substr(dots + 2));
  if (!low || !high || !std::isfinite(*low) || !std::isfinite(*high) || *low > *high)
    return fail(Errc::bad_input, "\"{}\" is no value such as 16000 and no range such as 0..30521",
                text);
  return InputSpec::Range{*low, *high};
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

constexpr std::string_view npy_ending = ".npy";

// Where the '=' after the name stands. No shape, type or value has one, so that it is the last; a
// path may have some: there it is the first after which a file's name stands, or in doubt the
// first. A name in quotes ends where they do.
size_t end_of_name(std::string_view text) {
  if (text.starts_with('"'))
    if (const size_t end = text.find("\"=", 1); end != std::string_view::npos) return end + 1;
  if (!text.ends_with(npy_ending)) return text.rfind('=');
  for (size_t at = text.find('='); at != std::string_view::npos; at = text.find('=', at + 1)) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(text.substr(at + 1), ignored)) return at;
  }
  return text.find('=');
}

std::string unquoted(std::string_view name) {
  const bool is_quoted = name.size() > 2 && name.starts_with('"') && name.ends_with('"');
  return std::string(is_quoted ? name.substr(1, name.size() - 2) : name);
}

}  // namespace

Result<InputSpec> parse_input_spec(std::string_view text) {
  const size_t equals = end_of_name(text);
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size())
    return fail(Errc::bad_input,
                "--input {}: must be NAME=SHAPE:TYPE, as in x=1x3x224x224:f32, or NAME=FILE.npy",
                text);
  InputSpec spec = {.name = unquoted(text.substr(0, equals))};
  const std::string_view value = text.substr(equals + 1);
  if (value.ends_with(npy_ending)) {
    spec.file = value;
    return spec;
  }
  if (auto parsed = parse_parts(value, spec); !parsed)
    return tl::unexpected(with_context(parsed.error(), fmt::format("--input {}", text)));
  return spec;
}

std::string quoted_name(std::string_view name) { return fmt::format("\"{}\"", name); }

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
