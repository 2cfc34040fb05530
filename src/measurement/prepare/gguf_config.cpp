#include "measurement/prepare/gguf_config.h"

#include <algorithm>
#include <vector>

#include "base/number.h"
#include "measurement/prepare/placement.h"
#include "network/models/architectures.h"

namespace qb::prepare {
namespace {

// What a field, after "llama." say, is called in a config.json.
struct FieldRow {
  std::string_view field;
  std::string_view key;
};
constexpr FieldRow field_rows[] = {
    {"block_count", "num_hidden_layers"},
    {"context_length", "max_position_embeddings"},
    {"embedding_length", "hidden_size"},
    {"feed_forward_length", "intermediate_size"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.key_length", "head_dim"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"rope.freq_base", "rope_theta"},
    {"vocab_size", "vocab_size"},
    {"expert_count", "num_experts"},
};

// Others that may be there, with the value that changes nothing.
struct NeutralRow {
  std::string_view field;
  Json value;
};
std::vector<NeutralRow> neutral_rows() {
  return {{"rope.scaling.type", "none"}, {"rope.scaling.factor", 1.0},
          {"rope.scale_linear", 1.0},    {"rope.scaling.finetuned", false},
          {"attention.causal", true},    {"attention.sliding_window", 0},
          {"expert_used_count", 0},      {"use_parallel_residual", false}};
}

bool is_equal(const Json& a, const Json& b) {
  return a.is_number() && b.is_number() ? a.as_double() == b.as_double() : a == b;
}

// The number that was written as f32: 1e-05, and not 9.99999974737875e-06.
Json as_written(const Json& value) {
  if (value.is_int() || !value.is_number()) return value;
  return parse_number<double>(fmt::format("{}", static_cast<float>(value.as_double())))
      .value_or(value.as_double());
}

tl::unexpected<Error> refuse(const std::string& key, const Json& value) {
  return fail(Errc::unsupported, "field {} ({}) would change the network, and is not followed", key,
              value.is_null() ? "a list" : dump_json(value));
}

// Of an architecture's fields llama.cpp reads those with its name before them; others are notes.
Result<Json> read_fields(const weights::WeightFile& file, const std::string& prefix) {
  const std::vector<NeutralRow> neutral = neutral_rows();
  Json config = Json::object({});
  for (const std::string& key : file.keys()) {
    if (!key.starts_with(prefix)) continue;
    const Json& value = file.metadata[key];
    const std::string field = key.substr(prefix.size());
    if (const auto row = std::ranges::find(field_rows, field, &FieldRow::field);
        row != std::end(field_rows) && value.is_number()) {
      config.set(row->key, as_written(value));
      continue;
    }
    const auto row = std::ranges::find(neutral, field, &NeutralRow::field);
    const bool is_of_head =  // the whole head's, which is looked at once all is read
        field == "rope.dimension_count" || field == "attention.value_length";
    if (!is_of_head && (row == neutral.end() || !is_equal(value, row->value)))
      return refuse(key, value);
  }
  return config;
}

Result<void> check_head(const weights::WeightFile& file, const std::string& prefix,
                        const Json& config) {
  const int64_t head_dim =
      config["head_dim"].as_int(config["hidden_size"].as_int() /
                                std::max<int64_t>(config["num_attention_heads"].as_int(), 1));
  for (const char* field : {"rope.dimension_count", "attention.value_length"})
    if (const Json& value = file.metadata[prefix + field];
        !value.is_null() && value.as_int() != head_dim)
      return refuse(prefix + field, value);
  return {};
}

Result<models::Architecture> find_architecture(const std::string& name) {
  std::string known;
  for (const models::Architecture& row : models::architectures()) {
    if (row.gguf_name.empty()) continue;
    if (row.gguf_name == name) return row;
    known += fmt::format("{}{}", known.empty() ? "" : " ", row.gguf_name);
  }
  return fail(Errc::unsupported, "unknown general.architecture \"{}\"; known: {}", name, known);
}

}  // namespace

Result<Json> config_of_gguf(const weights::WeightFile& file) {
  const std::string& name = file.metadata["general.architecture"].as_string();
  QB_TRY(const models::Architecture architecture, find_architecture(name));
  if (const Json& type = file.metadata["general.type"]; !type.is_null() && type != Json("model"))
    return refuse("general.type", type);
  const std::string prefix = name + ".";
  QB_TRY(Json config, read_fields(file, prefix));
  QB_CHECK(check_head(file, prefix, config));
  if (config["rms_norm_eps"].is_null())
    return fail(Errc::bad_input, "{}attention.layer_norm_rms_epsilon is missing", prefix);
  if (const weights::StoredTensor* table = file.find("token_embd.weight");
      table && !table->shape.empty() && config["vocab_size"].is_null())
    config.set("vocab_size", table->shape[0]);
  const weights::StoredTensor* head = file.find("output.weight");
  config.set("tie_word_embeddings", !head || is_copy(head, file.find("token_embd.weight")));
  config.set("model_type", name);
  config.set("architectures", Json::array_of(std::vector{architecture.class_name}));
  return config;
}

}  // namespace qb::prepare
