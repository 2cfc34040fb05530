#include "measurement/worker/file_inputs.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/checked.h"
#include "base/hash.h"
#include "base/rng.h"
#include "measurement/worker/elements.h"
#include "measurement/worker/npy.h"

namespace qb::worker {
namespace {

using Range = InputSpec::Range;
using Extents = std::map<std::string, int64_t, std::less<>>;

constexpr uint64_t bytes_max = uint64_t{1} << 36;  // of one input

std::string symbol_of(const FileInput& input, size_t axis) {
  return axis < input.symbols.size() ? input.symbols[axis] : std::string();
}

// "Nx3x224x224"
std::string declared_shape(const FileInput& input) {
  if (!input.is_rank_known) return "any shape";
  std::string text;
  for (size_t i = 0; i < input.shape.size(); ++i) {
    const std::string symbol = symbol_of(input, i);
    text += fmt::format(
        "{}{}", i == 0 ? "" : "x",
        input.shape[i] >= 0 ? std::to_string(input.shape[i]) : (symbol.empty() ? "?" : symbol));
  }
  return text.empty() ? "scalar" : text;
}

// "x Nx3 f32, y 1 i64"
std::string declared_list(const std::vector<FileInput>& inputs) {
  std::string text;
  for (const FileInput& input : inputs)
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", input.name, declared_shape(input),
                        name_of(input.type));
  return text.empty() ? "none" : text;
}

Range default_range(ElementType type) {
  if (is_floating(type)) return {-1.0, 1.0};
  const bool is_byte = type == ElementType::u8 || type == ElementType::i8;
  const IntegerRange all = range_of(type);
  return is_byte ? Range{all.low, all.high} : Range{0.0, 1.0};  // valid for masks, ids and counts
}

Result<void> check_range(const ResolvedInput& input) {
  if (!input.range || is_floating(input.type)) return {};
  const IntegerRange all = range_of(input.type);
  const Range& range = *input.range;
  if (range.low < all.low || range.high > all.high || range.low != std::floor(range.low) ||
      range.high != std::floor(range.high))
    return fail(Errc::bad_input, "values {}..{} are none of type {}", range.low, range.high,
                name_of(input.type));
  return {};
}

Result<void> check_size(const ResolvedInput& input) {
  uint64_t size_bytes = bytes_of(input.type);
  for (const int64_t extent : input.shape) {
    const auto product = checked_multiply(size_bytes, static_cast<uint64_t>(extent));
    if (extent < 0 || !product || *product > bytes_max)
      return fail(Errc::bad_input, "{} {} is larger than qbench takes", shape_text(input.shape),
                  name_of(input.type));
    size_bytes = *product;
  }
  return {};
}

// What the user says, with an .npy's type and shape.
Result<InputSpec> with_file_header(InputSpec spec) {
  if (spec.file.empty()) return spec;
  QB_TRY(const NpyArray array, open_npy(spec.file));
  spec.type = array.type;
  spec.shape = array.shape;
  return spec;
}

Result<void> check_against(const FileInput& input, const InputSpec& spec) {
  if (spec.type && *spec.type != input.type)
    return fail(Errc::bad_input, "is {} in the file, not {}", name_of(input.type),
                name_of(*spec.type));
  if (!input.is_rank_known && !spec.shape)
    return fail(Errc::bad_input, "the file leaves its shape open: give --input {}=SHAPE",
                input.name);
  if (!spec.shape || !input.is_rank_known) return {};
  bool fits = spec.shape->size() == input.shape.size();
  for (size_t i = 0; fits && i < input.shape.size(); ++i)
    fits = input.shape[i] < 0 || input.shape[i] == (*spec.shape)[i];
  if (!fits)
    return fail(Errc::bad_input, "shape {} does not fit the file's {}", shape_text(*spec.shape),
                declared_shape(input));
  return {};
}

const InputSpec* find_spec(std::span<const InputSpec> given, std::string_view name) {
  const auto found = std::ranges::find(given, name, &InputSpec::name);
  return found == given.end() ? nullptr : &*found;
}

// The named dimensions that the user's shapes fix.
Extents extents_of(const std::vector<FileInput>& declared, std::span<const InputSpec> given) {
  Extents extents;
  for (const FileInput& input : declared) {
    const InputSpec* spec = find_spec(given, input.name);
    if (!spec || !spec->shape || !input.is_rank_known) continue;
    for (size_t i = 0; i < input.shape.size(); ++i)
      if (input.shape[i] < 0 && !symbol_of(input, i).empty())
        extents.emplace(symbol_of(input, i), (*spec->shape)[i]);
  }
  return extents;
}

ResolvedInput resolve(const FileInput& input, const InputSpec* spec, const Extents& extents) {
  ResolvedInput resolved = {.name = input.name, .type = input.type, .shape = input.shape};
  if (spec) {
    resolved.range = spec->range;
    resolved.file = spec->file;
    if (spec->shape) resolved.shape = *spec->shape;
  }
  for (size_t i = 0; i < resolved.shape.size(); ++i) {
    if (resolved.shape[i] >= 0) continue;
    const std::string symbol = symbol_of(input, i);
    const auto known = extents.find(symbol);
    resolved.shape[i] = known == extents.end() ? 1 : known->second;
    if (known == extents.end())
      resolved.assumed.push_back(
          fmt::format("{} = 1", symbol.empty() ? fmt::format("dimension {}", i) : symbol));
  }
  return resolved;
}

Result<std::vector<ResolvedInput>> resolve_declared(const std::vector<FileInput>& declared,
                                                    std::span<const InputSpec> given) {
  for (const InputSpec& spec : given) {
    const auto input = std::ranges::find(declared, spec.name, &FileInput::name);
    if (input == declared.end())
      return fail(Errc::bad_input, "has no input \"{}\"; its inputs: {}", spec.name,
                  declared_list(declared));
    QB_CHECK(with_context(check_against(*input, spec), "input " + spec.name));
  }
  for (const FileInput& input : declared)
    if (!input.is_rank_known && !find_spec(given, input.name))
      return fail(Errc::bad_input,
                  "input {}: the file leaves its shape open: give --input {}=SHAPE", input.name,
                  input.name);
  const Extents extents = extents_of(declared, given);
  std::vector<ResolvedInput> resolved;
  for (const FileInput& input : declared)
    resolved.push_back(resolve(input, find_spec(given, input.name), extents));
  return resolved;
}

Result<std::vector<ResolvedInput>> resolve_given(std::span<const InputSpec> given) {
  if (given.empty())
    return fail(Errc::bad_input,
                "a file of this kind doesn't say what inputs it takes: give each, in its order, as "
                "--input NAME=SHAPE:TYPE, for example --input x=1x3x224x224:f32");
  std::vector<ResolvedInput> resolved;
  for (const InputSpec& spec : given) {
    if (!spec.shape || !spec.type)
      return fail(Errc::bad_input,
                  "input {}: a file of this kind doesn't say its shape and type: give both, as in "
                  "--input {}=1x3x224x224:f32",
                  spec.name, spec.name);
    resolved.push_back({.name = spec.name,
                        .type = *spec.type,
                        .shape = *spec.shape,
                        .range = spec.range,
                        .file = spec.file});
  }
  return resolved;
}

// One number, not the ids of a text of one token (which have a dimension for it).
bool is_single_number(const ResolvedInput& input) {
  return element_count(input.shape) == 1 && input.shape.size() <= 1 && input.assumed.empty();
}

// An input that may choose a branch or count a loop must not be drawn: each seed would measure
// another computation.
void fix_choices(std::vector<ResolvedInput>& inputs) {
  for (ResolvedInput& input : inputs) {
    input.has_default_values = !input.range && input.file.empty();
    if (!input.has_default_values || is_floating(input.type)) continue;
    if (input.type == ElementType::boolean && element_count(input.shape) == 1)
      input.range = Range{0.0, 0.0};
    else if (is_single_number(input))
      input.range = Range{1.0, 1.0};
  }
}

std::vector<std::byte> drawn(const ResolvedInput& input, const Range& range, Rng& rng) {
  const size_t count = element_count(input.shape);
  std::vector<std::byte> bytes(count * bytes_of(input.type));
  const double width = range.high - range.low;
  for (size_t i = 0; i < count; ++i) {
    const double value = is_floating(input.type)
                             ? range.low + width * rng.uniform()
                             : range.low + std::floor((width + 1.0) * rng.uniform());
    store_element(input.type, bytes.data(), i, value);
  }
  return bytes;
}

std::string range_text(const ResolvedInput& input) {
  if (!input.file.empty()) return "from a file";
  const Range range = input.range.value_or(default_range(input.type));
  if (range.low != range.high) return fmt::format("drawn from {}..{}", range.low, range.high);
  const std::string value = input.type == ElementType::boolean
                                ? (range.low == 0.0 ? "false" : "true")
                                : fmt::format("{}", range.low);
  return input.has_default_values
             ? fmt::format("{}, since none is given (--input {}=::VALUE)", value, input.name)
             : value;
}

// What frameworks say of an id that a table doesn't have.
bool is_about_index(std::string_view error) {
  for (const std::string_view words :
       {"out of bounds", "out of data bounds", "out of range", "index", "indices", "Index"})
    if (error.find(words) != std::string_view::npos) return true;
  return false;
}

std::string shape_hint(const ResolvedInput& input) {
  if (input.assumed.empty()) return {};
  return fmt::format("; input {}: the file leaves open what was taken as {}: give --input {}=SHAPE",
                     input.name, fmt::join(input.assumed, ", "), input.name);
}

std::string values_hint(const ResolvedInput& input) {
  if (!input.has_default_values || is_floating(input.type)) return {};
  return fmt::format("; input {}: its values are {}: give others, as in --input {}={}:{}:0",
                     input.name, range_text(input), input.name, shape_text(input.shape),
                     name_of(input.type));
}

}  // namespace

Result<std::vector<ResolvedInput>> resolve_inputs(
    const std::optional<std::vector<FileInput>>& declared, std::span<const InputSpec> given) {
  std::vector<InputSpec> specs;
  for (const InputSpec& spec : given) {
    if (find_spec(specs, spec.name))
      return fail(Errc::bad_input, "input {}: given twice", spec.name);
    QB_TRY(InputSpec whole, with_context(with_file_header(spec), "input " + spec.name));
    specs.push_back(std::move(whole));
  }
  QB_TRY(std::vector<ResolvedInput> resolved,
         declared ? resolve_declared(*declared, specs) : resolve_given(specs));
  fix_choices(resolved);
  for (const ResolvedInput& input : resolved) {
    QB_CHECK(with_context(check_range(input), "input " + input.name));
    QB_CHECK(with_context(check_size(input), "input " + input.name));
  }
  return resolved;
}

void put_in_order(std::span<const std::string> names, std::vector<ResolvedInput>& inputs) {
  const auto place_of = [&](const ResolvedInput& input) {
    return std::ranges::find(names, input.name) - names.begin();
  };
  const auto is_named = [&](const ResolvedInput& input) {
    return place_of(input) < std::ssize(names);
  };
  if (std::ranges::all_of(inputs, is_named)) std::ranges::sort(inputs, {}, place_of);
}

Result<FileInputs> FileInputs::make(std::vector<ResolvedInput> inputs, uint64_t seed) {
  FileInputs made;
  made.inputs_ = std::move(inputs);
  made.seed_ = seed;
  made.values_.resize(made.inputs_.size());
  for (size_t i = 0; i < made.inputs_.size(); ++i) {
    const ResolvedInput& input = made.inputs_[i];
    std::vector<std::vector<std::byte>>& variants = made.values_[i].variants;
    if (!input.file.empty()) {
      QB_TRY(const NpyArray array, open_npy(input.file));
      if (array.type != input.type || array.shape != input.shape)
        return fail(Errc::bad_input, "{}: changed while it was read", input.file);
      variants.emplace_back(array.bytes.begin(), array.bytes.end());
      continue;
    }
    const Range range = input.range.value_or(default_range(input.type));
    const bool is_only = made.inputs_.size() == 1;
    Rng rng(derive_seed(seed, is_only ? "input" : "input " + input.name));
    const size_t count = range.low == range.high ? 1 : variant_count;
    while (variants.size() < count) variants.push_back(drawn(input, range, rng));
    made.is_varied_ |= count > 1 && !variants[0].empty();
  }
  for (size_t variant = 0; variant < variant_count; ++variant)
    for (size_t i = 0; i < made.inputs_.size(); ++i) {
      const auto& variants = made.values_[i].variants;
      made.views_[variant].push_back({made.inputs_[i].type, made.inputs_[i].shape,
                                      variants[variant % variants.size()].data()});
    }
  return made;
}

StepInputs FileInputs::draw_fresh() {
  fresh_values_.clear();
  fresh_views_ = views_[0];
  ++fresh_count_;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (values_[i].variants.size() == 1) continue;
    Rng rng(derive_seed(seed_, fmt::format("fresh {} {}", fresh_count_, i)));
    const Range range = inputs_[i].range.value_or(default_range(inputs_[i].type));
    fresh_views_[i].data = fresh_values_.emplace_back(drawn(inputs_[i], range, rng)).data();
  }
  return {fresh_views_, 0};
}

Json FileInputs::describe() const {
  Json::Array list;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const ResolvedInput& input = inputs_[i];
    Json item = Json::object({{"name", input.name},
                              {"shape", shape_text(input.shape)},
                              {"type", name_of(input.type)},
                              {"values", range_text(input)}});
    if (!input.file.empty()) item.set("content_hash", hash_of(values_[i].variants.front()));
    if (!input.assumed.empty()) item.set("assumed", Json::array_of(input.assumed));
    list.push_back(std::move(item));
  }
  return list;
}

// Whether the run succeeds with zeros for this input alone.
bool FileInputs::is_to_blame(size_t input, const Runs& runs) const {
  if (values_hint(inputs_[input]).empty()) return false;
  const std::vector<std::byte> zeros(views_[0][input].size_bytes());
  std::vector<TensorView> views = views_[0];
  views[input].data = zeros.data();
  return runs({views, 0});
}

std::string FileInputs::hint_for(std::string_view error, const Runs& runs) const {
  std::string shapes;
  std::string values;
  for (const ResolvedInput& input : inputs_) {
    shapes += shape_hint(input);
    values += values_hint(input);
  }
  if (!is_about_index(error) || values.empty()) return shapes.empty() ? values : shapes;
  for (size_t i = 0; i < inputs_.size(); ++i)
    if (is_to_blame(i, runs)) return values_hint(inputs_[i]);
  return values;
}

std::string FileInputs::signature() const {
  std::vector<std::string> parts;
  for (const ResolvedInput& input : inputs_)
    parts.push_back(fmt::format("{}{} {}", inputs_.size() == 1 ? "" : input.name + " ",
                                shape_text(input.shape), name_of(input.type)));
  std::ranges::sort(parts);
  const std::string text = fmt::format("{}", fmt::join(parts, ", "));
  constexpr size_t shown_max = 1000;  // models with many caches have more
  return text.size() <= shown_max
             ? text
             : fmt::format("{}… ({})", text.substr(0, shown_max), hash_of(text));
}

}  // namespace qb::worker
