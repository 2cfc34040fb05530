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
