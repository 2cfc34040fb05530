#include "network/weights/quantized.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string_view>

#include "base/parallel.h"
#include "network/weights/quantized_parts.h"

namespace qb::weights {
namespace {

constexpr int64_t rows_at_once = 64;

void decode_row(const Coding& coding, const CodedRow& row, std::span<float> out) {
  for (size_t x = 0; x < out.size(); ++x) {
    const auto group = static_cast<size_t>(coding.group_of_column[x]);
    float value =
        coding.values.empty() ? static_cast<float>(row.codes[x]) : coding.values[row.codes[x]];
    if (!row.zero_points.empty()) value -= row.zero_points[group];
    value *= row.scales[group];
    out[x] = row.offsets.empty() ? value : value + row.offsets[group];
  }
}

// How one method names its parts, and what joins them.
struct Method {
  std::vector<std::string_view> marks;  // suffixes that show that a weight is quantized
  std::vector<std::string_view> parts;  // suffixes of all that is joined, and of what isn't needed
  std::function<Joined(const Parts&)> join;
};

Result<Method> compressed_method(const Json& settings) {
  const auto& groups = settings["config_groups"].as_object();
  if (groups.size() != 1)
    return fail(Errc::unsupported, "compressed-tensors with {} groups of weights is not read",
                groups.size());
  const Json& group = groups.front().second;
  const std::string format =
      group["format"].is_string() ? group["format"].as_string() : settings["format"].as_string();
  return Method{
      {"weight_packed", "weight_scale"},
      {"weight_packed", "weight_scale", "weight_shape", "weight_zero_point", "weight",
       "input_scale", "input_zero_point"},
      [group, format](const Parts& parts) { return join_compressed(parts, group, format); }};
}

// MLX lists layers of their own settings beside the common ones, by their names.
Method mlx_method(const Json& settings) {
  return {{"scales"}, {"weight", "scales", "biases"}, [settings](const Parts& parts) {
            const Json& own = settings[parts.prefix()];
            return join_mlx(parts, own.is_object() ? own : settings);
          }};
}

Result<Method> method_of(const Json& config) {
  if (config["quantization"].is_object()) return mlx_method(config["quantization"]);
  const Json& settings = config["quantization_config"];
  const std::string& name = settings["quant_method"].as_string();
  const std::vector<std::string_view> marks = {"qweight"};
  const std::vector<std::string_view> parts = {"qweight", "qzeros", "scales", "g_idx"};
  if (name == "gptq")
    return Method{marks, parts, [settings](const Parts& p) { return join_gptq(p, settings); }};
  if (name == "awq")
    return Method{marks, parts, [settings](const Parts& p) { return join_awq(p, settings); }};
  if (name == "compressed-tensors") return compressed_method(settings);
  return fail(Errc::unsupported, "checkpoints quantized by \"{}\" are not read", name);
}

// "a.b" of "a.b.scales" where scales is among the suffixes; "" otherwise.
std::string prefix_of(const std::string& name, const std::vector<std::string_view>& suffixes) {
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) return "";
  const std::string_view suffix = std::string_view(name).substr(dot + 1);
  return std::ranges::find(suffixes, suffix) == suffixes.end() ? "" : name.substr(0, dot);
}

}  // namespace

bool is_quantized(const Json& config) {
  return config["quantization"].is_object() || config["quantization_config"].is_object();
}

Result<void> decode_coded(const Coding& coding, int64_t first_row, std::span<float> out,
                          int64_t thread_count) {
  const auto width = static_cast<size_t>(coding.column_count);
  const auto row_count = static_cast<int64_t>(out.size() / width);
  parallel_for(row_count, rows_at_once, thread_count, [&](int64_t first, int64_t last) {
    CodedRow row;
    for (int64_t y = first; y < last; ++y) {
      coding.read_row(first_row + y, row);
      decode_row(coding, row, out.subspan(static_cast<size_t>(y) * width, width));
    }
  });
  return {};
}

Result<std::vector<std::string>> join_quantized(const Json& config, WeightFile& file) {
  QB_TRY(const Method method, method_of(config));
  std::set<std::string> prefixes;
  for (const StoredTensor& tensor : file.tensors)
    if (const std::string prefix = prefix_of(tensor.name, method.marks); !prefix.empty())
      prefixes.insert(prefix);
  if (prefixes.empty())
    return fail(Errc::bad_input, "config.json says that it is quantized, but no weight is");
  std::vector<StoredTensor> joined;
  std::set<std::string> names;
  for (const std::string& prefix : prefixes) {
    QB_TRY(std::shared_ptr<const Coding> coding, method.join(Parts(file, prefix)));
    names.insert(coding->name);
    joined.push_back({.name = prefix + ".weight",
                      .format = StorageFormat::coded,
                      .type = coding->name,
                      .shape = {coding->row_count, coding->column_count},
                      .coding = coding});
  }
  std::erase_if(file.tensors, [&](const StoredTensor& tensor) {
    return prefixes.contains(prefix_of(tensor.name, method.parts));
  });
  for (StoredTensor& tensor : joined) file.tensors.push_back(std::move(tensor));
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace qb::weights
