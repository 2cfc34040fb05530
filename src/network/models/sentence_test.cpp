#include "network/models/sentence.h"

#include <doctest/doctest.h>

#include "network/models/architectures.h"

using namespace qb;
using namespace qb::models;

namespace {

Json bert() {
  return parse_json(R"({"architectures": ["BertModel"], "vocab_size": 99, "hidden_size": 32,
      "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4,
      "max_position_embeddings": 20, "sentence_transformers": {
        "modules": [{"type": "sentence_transformers.models.Transformer"},
                    {"type": "sentence_transformers.models.Pooling"},
                    {"type": "sentence_transformers.models.Normalize"}],
        "pooling": {"word_embedding_dimension": 32, "pooling_mode_cls_token": false,
                    "pooling_mode_mean_tokens": true, "include_prompt": true},
        "transformer": {"max_seq_length": 16, "do_lower_case": false}}})")
      .value();
}

Json with(std::string_view part, Json value) {
  Json config = bert();
  Json sentence = config["sentence_transformers"];
  sentence.set(std::string(part), std::move(value));
  return config.set("sentence_transformers", std::move(sentence));
}

std::string graph_of(const Json& config) {
  const auto model = read_model(config);
  CAPTURE((model ? "" : model.error().message));
  REQUIRE(model);
  CHECK(model->task == "embedding");
  const auto graph = model->build();
  CAPTURE((graph ? "" : graph.error().message));
  REQUIRE(graph);
  return ir::print(*graph);
}

bool has(const std::string& graph, std::string_view word) {
  return graph.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("the vector of a sentence is what the modules beside the config make of its tokens") {
  const std::string mean = graph_of(bert());
  CHECK(has(mean, "mean_tokens"));
  CHECK(has(mean, "l2_normalize"));
  const std::string first = graph_of(
      with("pooling",
           Json::object({{"pooling_mode_cls_token", true}, {"pooling_mode_mean_tokens", false}})));
  CHECK(has(first, "pick_tokens"));
  CHECK_FALSE(has(first, "mean_tokens"));
  CHECK(graph_of(with("pooling", Json::object({{"pooling_mode", "mean"}}))) == mean);
  CHECK(graph_of(with("pooling", Json::object({{"pooling_mode", "cls"}}))) == first);
}

TEST_CASE("without modules it is the mean, as it is") {
  Json config = bert();
  config.set("sentence_transformers", nullptr);
  const std::string graph = graph_of(config);
  CHECK(has(graph, "mean_tokens"));
  CHECK_FALSE(has(graph, "l2_normalize"));
}

TEST_CASE("a sentence is cut to what the modules say, and never beyond the positions") {
  CHECK(read_model(bert())->context_tokens == 16);
  CHECK(read_model(with("transformer", nullptr))->context_tokens == 20);
  CHECK(read_model(with("transformer", Json::object({{"max_seq_length", 512}})))->context_tokens ==
        20);
}

TEST_CASE("what makes another vector is refused by its name") {
  const auto module = [](std::string_view name) {
    return Json::object({{"type", fmt::format("sentence_transformers.models.{}", name)}});
  };
  struct Row {
    Json config;
    std::string word;
  };
  Json decoder = bert();
  decoder.set("is_decoder", true);
  Json relative = bert();
  relative.set("position_embedding_type", "relative_key");
  Json activation = bert();
  activation.set("hidden_act", "mish");
  Json heads = bert();
  heads.set("num_attention_heads", 5);
  Json layers = bert();
  layers.set("num_hidden_layers", 1 << 20);
  const Row rows[] = {
      {with("pooling", Json::object({{"pooling_mode_max_tokens", true}})), "[max_tokens]"},
      {with("pooling",
            Json::object({{"pooling_mode_cls_token", true}, {"pooling_mode_mean_tokens", true}})),
       "cls_token, mean_tokens"},
      {with("pooling", Json::object({{"pooling_mode", "lasttoken"}})), "[lasttoken]"},
      {with("pooling", nullptr), "pooling by []"},
      {with("modules", Json::Array{module("Transformer"), module("Pooling"), module("Dense")}),
       "[Transformer, Pooling, Dense]"},
      {with("modules", Json::Array{module("Transformer")}), "modules.json has [Transformer]"},
      {with("modules", Json::Array{module("Pooling"), module("Transformer")}),
       "[Pooling, Transformer]"},
      {with("transformer", Json::object({{"do_lower_case", true}})), "do_lower_case"},
      {decoder, "is_decoder is true"},
      {relative, "position_embedding_type"},
      {activation, "hidden_act is \"mish\""},
      {heads, "5 heads can't share a width of 32"},
      {layers, "num_hidden_layers is 1048576"}};
  for (const Row& row : rows) {
    CAPTURE(row.word);
    const auto model = read_model(row.config);
    REQUIRE_FALSE(model);
    CAPTURE(model.error().message);
    CHECK(model.error().message.find(row.word) != std::string::npos);
  }
}
