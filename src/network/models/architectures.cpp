#include "network/models/architectures.h"

#include <algorithm>
#include <array>

#include "network/models/timm.h"

namespace qb::models {
namespace {

constexpr Architecture rows[] = {
    {"LlamaForCausalLM", "llama", read_llama},
    {"MistralForCausalLM", "", read_mistral},
    {"Qwen2ForCausalLM", "qwen2", read_qwen2},
    {"Qwen3ForCausalLM", "qwen3", read_qwen3},
    {"PhiForCausalLM", "phi2", read_phi},
    {"Phi3ForCausalLM", "phi3", read_phi3},
    {"Gemma3ForCausalLM", "gemma3", read_gemma3},
    {"Gemma3ForConditionalGeneration", "", read_gemma3_with_pictures},
    {"BertModel", "", read_bert},
    {"ResNetForImageClassification", "", read_resnet},
    {"ViTForImageClassification", "", read_vit},
    {"CLIPModel", "", read_clip},
    {"EfficientNetForImageClassification", "", read_efficientnet},
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

}  // namespace

std::span<const Architecture> architectures() { return rows; }

Result<Model> read_model(const Json& config) {
  if (config["architecture"].is_string()) return read_timm(config);
  const Json::Array& names = config["architectures"].as_array();
  if (names.size() != 1 || !names[0].is_string())
    return fail(Errc::bad_input, "config.json names no architecture");
  const std::string& name = names[0].as_string();
  QB_CHECK(check_experts(config, name));
  const auto row = std::ranges::find(rows, name, &Architecture::class_name);
  if (row == std::end(rows))
    return fail(Errc::unsupported, "unknown architecture {}; known: {}", name, known_names());
  return row->read(Config(config));
}

}  // namespace qb::models
