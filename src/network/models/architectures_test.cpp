#include "network/models/architectures.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::models;

namespace {

Json llama() {
  return parse_json(R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
      "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
      "num_attention_heads": 4, "max_position_embeddings": 512})")
      .value();
}

std::string graph_of(const Json& config) {
  const auto model = read_model(config);
  CAPTURE((model ? "" : model.error().message));
  REQUIRE(model);
  const auto graph = model->build();
  CAPTURE((graph ? "" : graph.error().message));
  REQUIRE(graph);
  return ir::print(*graph);
}

}  // namespace

TEST_CASE("the new form of a config and the old one are the same network") {
  Json old = llama();
  old.set("rope_theta", 5e5).set("torch_dtype", "bfloat16").set("rope_scaling", nullptr);
  Json fresh = llama();
  fresh.set("rope_parameters", Json::object({{"rope_type", "default"}, {"rope_theta", 5e5}}));
  CHECK(graph_of(old) == graph_of(fresh));
  CHECK(graph_of(old).find("rope_theta=500000") != std::string::npos);
}

TEST_CASE("what is left away has the class's default") {
  Json explicit_sizes = llama();
  explicit_sizes.set("num_key_value_heads", 4).set("head_dim", 16).set("rms_norm_eps", 1e-6);
  explicit_sizes.set("tie_word_embeddings", false).set("attention_bias", false);
  CHECK(graph_of(llama()) == graph_of(explicit_sizes));
}

TEST_CASE("what isn't known, wrong or not followed is refused by its name") {
  struct Row {
    std::string key;
    Json value;
    std::string word;
  };
  const Row rows[] = {
      {"architectures", nullptr, "names no architecture"},
      {"architectures", Json::array_of(std::vector{"GPT17ForCausalLM"}),
       "unknown architecture GPT17ForCausalLM; known: LlamaForCausalLM"},
      {"architectures", Json::array_of(std::vector{"MixtralForCausalLM"}), "unknown architecture"},
      {"num_local_experts", 8, "mixture of experts (num_local_experts 8)"},
      {"hidden_size", nullptr, "hidden_size is missing"},
      {"hidden_size", "64", "hidden_size is \"64\""},
      {"hidden_size", -1, "hidden_size is -1"},
      {"num_hidden_layers", 1 << 20, "num_hidden_layers"},
      {"num_key_value_heads", 3, "can't share"},
      {"num_attention_heads", 128, "head_dim is 0"},
      {"hidden_act", "gelu", "hidden_act is \"gelu\""},
      {"rms_norm_eps", 0, "rms_norm_eps is 0"},
      {"rope_theta", "x", "rope_theta"},
      {"rope_parameters", Json::object({{"rope_type", "yarn"}}), "yarn"},
      {"rope_scaling", Json::object({{"type", "dynamic"}}), "dynamic"},
      {"tie_word_embeddings", 1, "tie_word_embeddings is 1"}};
  for (const Row& row : rows) {
    CAPTURE(row.key);
    Json config = llama();
    config.set(row.key, row.value);
    const auto model = read_model(config);
    REQUIRE_FALSE(model);
    CAPTURE(model.error().message);
    CHECK(model.error().message.find(row.word) != std::string::npos);
  }
}

TEST_CASE("of networks of pictures too, what isn't known, wrong or not followed is refused") {
  struct Row {
    std::string config;
    std::string word;
  };
  const Row rows[] = {
      {R"({"architecture": "swin_tiny"})", "unknown architecture swin_tiny of timm; known: resnet"},
      {R"({"architecture": "vit_base_patch0_224"})", "patch_size is null"},
      {R"({"architecture": "resnet50", "num_classes": 0})", "num_classes is 0"},
      {R"({"architecture": "resnet50", "pretrained_cfg": {"input_size": [3, 224, 200]}})",
       "input_size is [3,224,200]"},
      {R"({"architecture": "resnet50", "pretrained_cfg": {"crop_mode": "border"}})", "border"},
      {R"({"architecture": "resnet50", "pretrained_cfg": {"crop_pct": 0.001}})", "crop_pct is"},
      {R"({"architecture": "mobilenetv3_large_000"})", "mobilenetv3_large_000"},
      {R"({"architectures": ["ResNetForImageClassification"], "depths": [1]})", "hidden_sizes"},
      {R"({"architectures": ["ResNetForImageClassification"], "depths": [9999],
           "hidden_sizes": [64]})",
       "depths [9999]"},
      {R"({"architectures": ["ViTForImageClassification"], "image_size": 100000})",
       "wanted is a size up to 8192"},
      {R"({"architectures": ["ViTForImageClassification"], "id2label": {"1": "a"}})", "id2label"},
      {R"({"architectures": ["ViTForImageClassification"], "num_hidden_layers": 100000})",
       "4096 are the most"},
      {R"({"architectures": ["EfficientNetForImageClassification"], "depth_coefficient": 1e6})",
       "depth_coefficient"},
      {R"({"architectures": ["CLIPModel"], "vision_config": {"patch_size": 500}})",
       "a patch of 500"},
      {R"({"architectures": ["CLIPModel"], "text_config": {"hidden_act": "mish"}})",
       "text_config: hidden_act is"}};
  for (const Row& row : rows) {
    CAPTURE(row.config);
    const auto model = read_model(parse_json(row.config).value());
    REQUIRE_FALSE(model);
    CAPTURE(model.error().message);
    CHECK(model.error().message.find(row.word) != std::string::npos);
  }
}

TEST_CASE(
    "the zoo's networks of pictures are those that timm's and transformers' configs describe") {
  const auto graph_text = [](const Model& model) {
    std::string text;
    const auto networks = build_networks(model).value();
    for (const auto& [name, graph] : networks)
      text += ir::print(graph).substr(ir::print(graph).find('\n'));
    return text;
  };
  const std::pair<const char*, const char*> rows[] = {
      {"resnet-50", R"({"architecture": "resnet50"})"},
      {"resnet-50", R"({"architectures": ["ResNetForImageClassification"], "num_labels": 1000,
                        "hidden_sizes": [256, 512, 1024, 2048], "depths": [3, 4, 6, 3]})"},
      {"mobilenetv3-large", R"({"architecture": "mobilenetv3_large_100"})"},
      {"mobilenetv3-small", R"({"architecture": "mobilenetv3_small_100"})"},
      {"vit-b-16", R"({"architecture": "vit_base_patch16_224"})"},
      {"vit-tiny-16", R"({"architecture": "vit_tiny_patch16_224"})"},
      {"efficientnet-b0", R"({"architecture": "tf_efficientnet_b0"})"},
      {"efficientnet-lite2", R"({"architecture": "tf_efficientnet_lite2",
                                 "pretrained_cfg": {"input_size": [3, 260, 260]}})"},
      {"clip-vit-b-32", R"({"architectures": ["CLIPModel"], "text_config": {},
                            "vision_config": {}})"}};
  for (const auto& [name, config] : rows) {
    CAPTURE(name);
    const auto model = read_model(parse_json(config).value());
    CAPTURE((model ? "" : model.error().message));
    REQUIRE(model);
    CHECK(graph_text(*model) == graph_text(find_model(name).value()));
  }
}
