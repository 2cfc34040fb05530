#include "worker/file_inputs.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/checked.h"
#include "base/hash.h"
#include "base/rng.h"
#include "worker/elements.h"
#include "worker/npy.h"

namespace qb::worker {
namespace {

using Range = InputSpec::Range;
using Extents = std::map<std::string, int64_t, std::less<>>;

constexpr uint64_t bytes_max = uint64_t{1} << 36;  // of one input

std::string symbol_of(const FileInput& input, size_t axis) {
  return axis < input.symbols.size() ? input.symbols[axis] : std::string();
}

// "Nx3x224x224"
std::string told_shape(const FileInput& input) {
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
std::string told_list(const std::vector<FileInput>& inputs) {
  std::string text;
  for (const FileInput& input : inputs)
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", input.name, told_shape(input),
                        name_of(input.type));
  return text.empty() ? "none" : text;
}

Range default_range(ElementType type) {
  if (is_floating(type)) return {-1.0, 1.0};
  const bool is_byte = type == ElementType::u8 || type == ElementType::i8;
  const IntegerRange all = range_of(type);
  return is_byte ? Range{all.low, all.high} : Range{0.0, 1.0};  // valid for masks, ids and counts
}

Result<void> check_range(const SettledInput& input) {
  if (!input.range || is_floating(input.type)) return {};
  const IntegerRange all = range_of(input.type);
  const Range& range = *input.range;
  if (range.low < all.low || range.high > all.high || range.low != std::floor(range.low) ||
      range.high != std::floor(range.high))
    return fail(Errc::bad_input, "values {}..{} are none of type {}", range.low, range.high,
                name_of(input.type));
  return {};
}

Result<void> check_size(const SettledInput& input) {
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
  if (!spec.shape) return {};
  bool fits = spec.shape->size() == input.shape.size();
  for (size_t i = 0; fits && i < input.shape.size(); ++i)
    fits = input.shape[i] < 0 || input.shape[i] == (*spec.shape)[i];
  if (!fits)
    return fail(Errc::bad_input, "shape {} does not fit the file's {}", shape_text(*spec.shape),
                told_shape(input));
  return {};
}

const InputSpec* find_spec(std::span<const InputSpec> given, std::string_view name) {
  const auto found = std::ranges::find(given, name, &InputSpec::name);
  return found == given.end() ? nullptr : &*found;
}

// The named dimensions that the user's shapes fix.
Extents extents_of(const std::vector<FileInput>& told, std::span<const InputSpec> given) {
  Extents extents;
  for (const FileInput& input : told) {
    const InputSpec* spec = find_spec(given, input.name);
    if (!spec || !spec->shape) continue;
    for (size_t i = 0; i < input.shape.size(); ++i)
      if (input.shape[i] < 0 && !symbol_of(input, i).empty())
        extents.emplace(symbol_of(input, i), (*spec->shape)[i]);
  }
  return extents;
}

SettledInput settle(const FileInput& input, const InputSpec* spec, const Extents& extents) {
  SettledInput settled = {.name = input.name, .type = input.type, .shape = input.shape};
  if (spec) {
    settled.range = spec->range;
    settled.file = spec->file;
    if (spec->shape) settled.shape = *spec->shape;
  }
  for (size_t i = 0; i < settled.shape.size(); ++i) {
    if (settled.shape[i] >= 0) continue;
    const std::string symbol = symbol_of(input, i);
    const auto known = extents.find(symbol);
    settled.shape[i] = known == extents.end() ? 1 : known->second;
    if (known == extents.end())
      settled.assumed.push_back(
          fmt::format("{} = 1", symbol.empty() ? fmt::format("dimension {}", i) : symbol));
  }
  return settled;
}

Result<std::vector<SettledInput>> settle_told(const std::vector<FileInput>& told,
                                              std::span<const InputSpec> given) {
  for (const InputSpec& spec : given) {
    const auto input = std::ranges::find(told, spec.name, &FileInput::name);
    if (input == told.end())
      return fail(Errc::bad_input, "has no input \"{}\"; its inputs: {}", spec.name,
                  told_list(told));
    QB_CHECK(with_context(check_against(*input, spec), "input " + spec.name));
  }
  const Extents extents = extents_of(told, given);
  std::vector<SettledInput> settled;
  for (const FileInput& input : told)
    settled.push_back(settle(input, find_spec(given, input.name), extents));
  return settled;
}

Result<std::vector<SettledInput>> settle_given(std::span<const InputSpec> given) {
  if (given.empty())
    return fail(Errc::bad_input,
                "a file of this kind doesn't say what inputs it takes: give each, in its order, as "
                "--input NAME=SHAPE:TYPE, for example --input x=1x3x224x224:f32");
  std::vector<SettledInput> settled;
  for (const InputSpec& spec : given) {
    if (!spec.shape || !spec.type)
      return fail(Errc::bad_input,
                  "input {}: a file of this kind doesn't say its shape and type: give both, as in "
                  "--input {}=1x3x224x224:f32",
                  spec.name, spec.name);
    settled.push_back({.name = spec.name,
                       .type = *spec.type,
                       .shape = *spec.shape,
                       .range = spec.range,
                       .file = spec.file});
  }
  return settled;
}

std::vector<std::byte> drawn(const SettledInput& input, const Range& range, Rng& rng) {
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

std::string range_text(const SettledInput& input) {
  if (!input.file.empty()) return "from a file";
  const Range range = input.range.value_or(default_range(input.type));
  return range.low == range.high ? fmt::format("{}", range.low)
                                 : fmt::format("drawn from {}..{}", range.low, range.high);
}

}  // namespace

Result<std::vector<SettledInput>> settle_inputs(const std::optional<std::vector<FileInput>>& told,
                                                std::span<const InputSpec> given) {
  std::vector<InputSpec> specs;
  for (const InputSpec& spec : given) {
    if (find_spec(specs, spec.name))
      return fail(Errc::bad_input, "input {}: given twice", spec.name);
    QB_TRY(InputSpec whole, with_context(with_file_header(spec), "input " + spec.name));
    specs.push_back(std::move(whole));
  }
  QB_TRY(std::vector<SettledInput> settled, told ? settle_told(*told, specs) : settle_given(specs));
  for (const SettledInput& input : settled) {
    QB_CHECK(with_context(check_range(input), "input " + input.name));
    QB_CHECK(with_context(check_size(input), "input " + input.name));
  }
  return settled;
}

void put_in_order(std::span<const std::string> names, std::vector<SettledInput>& inputs) {
  const auto place_of = [&](const SettledInput& input) {
    return std::ranges::find(names, input.name) - names.begin();
  };
  const auto is_named = [&](const SettledInput& input) {
    return place_of(input) < std::ssize(names);
  };
  if (std::ranges::all_of(inputs, is_named)) std::ranges::sort(inputs, {}, place_of);
}

Result<FileInputs> FileInputs::make(std::vector<SettledInput> inputs, uint64_t seed) {
  FileInputs made;
  made.inputs_ = std::move(inputs);
  made.seed_ = seed;
  made.values_.resize(made.inputs_.size());
  for (size_t i = 0; i < made.inputs_.size(); ++i) {
    const SettledInput& input = made.inputs_[i];
    std::vector<std::vector<std::byte>>& turns = made.values_[i].turns;
    if (!input.file.empty()) {
      QB_TRY(const NpyArray array, open_npy(input.file));
      if (array.type != input.type || array.shape != input.shape)
        return fail(Errc::bad_input, "{}: changed while it was read", input.file);
      turns.emplace_back(array.bytes.begin(), array.bytes.end());
      continue;
    }
    const Range range = input.range.value_or(default_range(input.type));
    const bool is_only = made.inputs_.size() == 1;
    Rng rng(derive_seed(seed, is_only ? "input" : "input " + input.name));
    const size_t count = range.low == range.high ? 1 : turn_count;
    while (turns.size() < count) turns.push_back(drawn(input, range, rng));
    made.is_varied_ |= count > 1 && !turns[0].empty();
  }
  for (size_t turn = 0; turn < turn_count; ++turn)
    for (size_t i = 0; i < made.inputs_.size(); ++i) {
      const auto& turns = made.values_[i].turns;
      made.views_[turn].push_back(
          {made.inputs_[i].type, made.inputs_[i].shape, turns[turn % turns.size()].data()});
    }
  return made;
}

StepInputs FileInputs::draw_fresh() {
  fresh_values_.clear();
  fresh_views_ = views_[0];
  ++fresh_count_;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (values_[i].turns.size() == 1) continue;
    Rng rng(derive_seed(seed_, fmt::format("fresh {} {}", fresh_count_, i)));
    const Range range = inputs_[i].range.value_or(default_range(inputs_[i].type));
    fresh_views_[i].data = fresh_values_.emplace_back(drawn(inputs_[i], range, rng)).data();
  }
  return {fresh_views_, 0};
}

Json FileInputs::describe() const {
  Json::Array list;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const SettledInput& input = inputs_[i];
    Json item = Json::object({{"name", input.name},
                              {"shape", shape_text(input.shape)},
                              {"type", name_of(input.type)},
                              {"values", range_text(input)}});
    if (!input.file.empty()) item.set("content_hash", hash_of(values_[i].turns.front()));
    if (!input.assumed.empty()) item.set("assumed", Json::array_of(input.assumed));
    list.push_back(std::move(item));
  }
  return list;
}

std::string FileInputs::assumption_hint() const {
  std::string hint;
  for (const SettledInput& input : inputs_)
    if (!input.assumed.empty())
      hint += fmt::format(
          "; input {}: the file leaves open what was taken as {}: give --input "
          "{}=SHAPE",
          input.name, fmt::join(input.assumed, ", "), input.name);
  return hint;
}

std::string FileInputs::signature() const {
  std::vector<std::string> parts;
  for (const SettledInput& input : inputs_)
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
