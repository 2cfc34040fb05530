#include "network/models/architectures.h"

#include <algorithm>
#include <array>

namespace qb::models {
namespace {

constexpr Architecture rows[] = {
    {"LlamaForCausalLM", "llama", read_llama},
    {"MistralForCausalLM", "", read_mistral},
};

std::string known_names() {
  std::string names;
  for (const Architecture& row : rows)
    names += fmt::format("{}{}", names.empty() ? "" : " ", row.class_name);
  return names;
}

// Networks that choose which of their weights they use say so by one of these.
Result<void> check_experts(const Json& config, std::string_view name) {
  constexpr std::array keys = {"num_local_experts", "num_experts", "n_routed_experts",
                               "moe_intermediate_size"};
  const auto key =
      std::ranges::find_if(keys, [&](const char* k) { return config[k].as_int() > 0; });
  if (key == keys.end()) return {};
  return fail(Errc::unsupported, "{} is a mixture of experts ({} {}), which qbench doesn't run",
              name, *key, config[*key].as_int());
}

Result<void> check_quantization(const Json& config) {
  for (const char* key : {"quantization_config", "quantization"}) {
    const Json& how = config[key];
    if (how.is_null()) continue;
    const std::string& method = how["quant_method"].as_string();
    return fail(Errc::unsupported,
                "the weights are quantized ({}): such folders are not read yet; give the model's "
                "unquantized one",
                method.empty() ? "of MLX" : method);
  }
  return {};
}

}  // namespace

std::span<const Architecture> architectures() { return rows; }

Result<Model> read_model(const Json& config) {
  const Json::Array& names = config["architectures"].as_array();
  if (names.size() != 1 || !names[0].is_string())
    return fail(Errc::bad_input, "config.json names no architecture");
  const std::string& name = names[0].as_string();
  QB_CHECK(check_experts(config, name));
  const auto row = std::ranges::find(rows, name, &Architecture::class_name);
  if (row == std::end(rows))
    return fail(Errc::unsupported, "unknown architecture {}; known: {}", name, known_names());
  QB_CHECK(check_quantization(config));
  return row->read(Config(config));
}

}  // namespace qb::models
