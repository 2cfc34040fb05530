#include "network/weights/adapter.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "network/weights/weight_file.h"

namespace qb::weights {
namespace fs = std::filesystem;
namespace {

constexpr int64_t rank_max = 65536;

// Null, false, empty: a field that asks for nothing.
bool asks_nothing(const Json& value) {
  if (value.is_null() || (value.is_bool() && !value.as_bool())) return true;
  if (value.is_object()) return value.as_object().empty();
  if (value.is_array()) return value.as_array().empty();
  return value.is_string() && value.as_string().empty();
}

Result<void> refuse(std::string_view key, const Json& value) {
  return fail(Errc::unsupported, "adapter_config.json: {} is {}, which is not followed", key,
              dump_json(value));
}

// What says how the adapter was trained, or is read below.
constexpr std::array peft_fields = {"alpha_pattern",
                                    "auto_mapping",
                                    "base_model_name_or_path",
                                    "bias",
                                    "ensure_weight_tying",
                                    "exclude_modules",
                                    "inference_mode",
                                    "init_lora_weights",
                                    "layers_pattern",
                                    "layers_to_transform",
                                    "lora_alpha",
                                    "lora_dropout",
                                    "megatron_core",
                                    "peft_type",
                                    "peft_version",
                                    "qalora_group_size",
                                    "r",
                                    "rank_pattern",
                                    "revision",
                                    "runtime_config",
                                    "target_modules",
                                    "task_type",
                                    "use_rslora"};

// Initialisations that leave the base as it is.
bool keeps_base(const Json& init) {
  return init.is_null() || init.is_bool() || init.as_string() == "gaussian" ||
         init.as_string() == "eva" || init.as_string() == "orthogonal";
}

Result<void> check_peft(const Json& config) {
  if (config["peft_type"].as_string() != "LORA") return refuse("peft_type", config["peft_type"]);
  const Json& bias = config["bias"];
  if (!bias.is_null() && bias.as_string() != "none") return refuse("bias", bias);
  if (!keeps_base(config["init_lora_weights"]))
    return refuse("init_lora_weights", config["init_lora_weights"]);
  for (const auto& [key, value] : config.as_object())
    if (std::ranges::find(peft_fields, key) == peft_fields.end() && !asks_nothing(value))
      return refuse(key, value);
  return {};
}

// The value for a module: of the pattern that its name ends with, or else the common one. Patterns
// are regular expressions to PEFT; those that are plain names are followed.
Result<double> value_for(const Json& patterns, const std::string& module, const Json& common) {
  for (const auto& [name, value] : patterns.as_object()) {
    if (name.find_first_of("\\^$*+?()[]{}|") != std::string::npos)
      return fail(Errc::unsupported,
                  "adapter_config.json: the pattern {} is no plain name, and is not followed",
                  dump_json(Json(name)));
    if (module == name || module.ends_with("." + name)) return value.as_double();
  }
  return common.as_double();
}

struct Scale {
  double rank = 0.0;
  double factor = 0.0;
};

Result<Scale> peft_scale(const Json& config, const std::string& module) {
  QB_TRY(const double rank, value_for(config["rank_pattern"], module, config["r"]));
  QB_TRY(const double alpha, value_for(config["alpha_pattern"], module, config["lora_alpha"]));
  if (!(rank >= 1.0) || !std::isfinite(alpha))
    return fail(Errc::bad_input, "adapter_config.json: r {} and lora_alpha {} of {}", rank, alpha,
                module);
  return Scale{rank, alpha / (config["use_rslora"].as_bool() ? std::sqrt(rank) : rank)};
}

Result<Scale> mlx_scale(const Json& config, const std::string&) {
  const Json& parameters = config["lora_parameters"];
  if (!parameters["rank"].is_number() || !parameters["scale"].is_number())
    return fail(Errc::bad_input, "adapter_config.json: lora_parameters have no rank and scale");
  return Scale{parameters["rank"].as_double(), parameters["scale"].as_double()};
}

Result<void> check_mlx(const Json& config) {
  const Json& type = config["fine_tune_type"];
  if (!type.is_null() && type.as_string() != "lora") return refuse("fine_tune_type", type);
  for (const auto& [key, value] : config["lora_parameters"].as_object())
    if (key != "rank" && key != "scale" && key != "dropout" && key != "keys")
      return refuse("lora_parameters." + key, value);
  return {};
}

// How one tool names and lays out the two matrices.
struct Layout {
  std::vector<std::string_view> files;
  std::string_view prefix, a, b;  // of tensors' names, and their ends
  bool is_transposed = false;     // a [in, rank], b [rank, out]
  Result<void> (*check)(const Json& config) = nullptr;
  Result<Scale> (*scale)(const Json& config, const std::string& module) = nullptr;
};

Layout layout_of(const Json& config) {
  if (config.contains("peft_type"))
    return {{"adapter_model.safetensors", "adapter_model.bin"},
            "base_model.model.",
            ".lora_A.weight",
            ".lora_B.weight",
            false,
            check_peft,
            peft_scale};
  return {{"adapters.safetensors"}, "", ".lora_a", ".lora_b", true, check_mlx, mlx_scale};
}

Result<fs::path> find_weights(const fs::path& folder, const Layout& layout) {
  std::error_code ignored;
  for (const std::string_view name : layout.files)
    if (fs::exists(folder / name, ignored)) return folder / name;
  return fail(Errc::not_found, "has no {}", fmt::join(layout.files, " or "));
}

// Row-major [rows, columns] of what may be stored the other way round.
Result<std::vector<float>> matrix_of(const StoredTensor& tensor, bool is_transposed) {
  std::vector<float> stored(tensor.element_count());
  QB_CHECK(decode_f32(tensor, stored));
  if (std::ranges::any_of(stored, [](float value) { return !std::isfinite(value); }))
    return fail(Errc::bad_input, "{} holds what is no number", tensor.name);
  if (!is_transposed) return stored;
  const auto rows = static_cast<size_t>(tensor.shape[1]);
  const auto columns = static_cast<size_t>(tensor.shape[0]);
  std::vector<float> turned(stored.size());
  for (size_t row = 0; row < rows; ++row)
    for (size_t column = 0; column < columns; ++column)
      turned[row * columns + column] = stored[column * rows + row];
  return turned;
}

Result<LowRank> read_branch(const StoredTensor& a, const StoredTensor& b, const Layout& layout,
                            const Scale& scale) {
  if (a.shape.size() != 2 || b.shape.size() != 2)
    return fail(Errc::bad_input, "{} is no matrix", a.shape.size() != 2 ? a.name : b.name);
  const size_t rows = layout.is_transposed ? 1 : 0;
  LowRank branch = {.rank = a.shape[rows], .in = a.shape[1 - rows], .out = b.shape[rows]};
  if (b.shape[1 - rows] != branch.rank || static_cast<double>(branch.rank) != scale.rank ||
      branch.rank < 1 || branch.rank > rank_max)
    return fail(Errc::bad_input, "{} is [{}] and {} [{}], where the rank is {}", a.name,
                fmt::join(a.shape, ", "), b.name, fmt::join(b.shape, ", "), scale.rank);
  QB_TRY(branch.a, matrix_of(a, layout.is_transposed));
  QB_TRY(branch.b, matrix_of(b, layout.is_transposed));
  for (float& value : branch.b) value = static_cast<float>(value * scale.factor);
  return branch;
}

Result<Adapter> read_adapter(const fs::path& folder) {
  const fs::path config_path = folder / "adapter_config.json";
  QB_TRY(const std::string text, read_file(config_path));
  QB_TRY(const Json config, with_context(parse_json(text), "adapter_config.json"));
  const Layout layout = layout_of(config);
  QB_CHECK(layout.check(config));
  QB_TRY(const fs::path weights_path, find_weights(folder, layout));
  QB_TRY(const WeightFile file, load_weights(weights_path));
  Adapter adapter = {.paths = {config_path, weights_path}};
  for (const StoredTensor& tensor : file.tensors) {
    const std::string_view name = tensor.name;
    if (name.starts_with(layout.prefix) && name.ends_with(layout.b)) continue;  // with its other
    if (!name.starts_with(layout.prefix) || !name.ends_with(layout.a))
      return fail(Errc::unsupported, "tensor {} is of no low-rank branch of a linear", name);
    const std::string stem(name.substr(0, name.size() - layout.a.size()));
    const StoredTensor* b = file.find(stem + std::string(layout.b));
    if (!b) return fail(Errc::bad_input, "tensor {}{} is missing", stem, layout.b);
    const std::string module = stem.substr(layout.prefix.size());
    QB_TRY(const Scale scale, layout.scale(config, module));
    QB_TRY(LowRank branch, read_branch(tensor, *b, layout, scale));
    adapter.branches.emplace(module, std::move(branch));
  }
  if (adapter.branches.empty() || adapter.branches.size() * 2 != file.tensors.size())
    return fail(Errc::bad_input, "{} tensors are no pairs of low-rank matrices",
                file.tensors.size());
  return adapter;
}

}  // namespace

Result<Adapter> load_adapter(const fs::path& folder) {
  return with_context(read_adapter(folder), folder.string());
}

}  // namespace qb::weights
