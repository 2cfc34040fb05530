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
  std::string_view architecture = {};  // that has it; empty: any
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
    {"attention.layer_norm_epsilon", "layer_norm_eps", "phi2"},
    {"rope.freq_base", "rope_theta"},
    {"vocab_size", "vocab_size"},
    {"final_logit_softcapping", "final_logit_softcapping", "gemma3"},
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

constexpr std::string_view later_fields[] = {
    "attention.value_length",   "attention.sliding_window",
    "rope.dimension_count",     "rope.freq_base_swa",
    "rope.scaling.type",        "rope.scaling.factor",
    "rope.scaling.attn_factor", "rope.scaling.original_context_length"};

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
Result<Json> read_fields(const weights::WeightFile& file, const std::string& architecture) {
  const std::string prefix = architecture + ".";
  const std::vector<NeutralRow> neutral = neutral_rows();
  Json config = Json::object({});
  for (const std::string& key : file.keys()) {
    if (!key.starts_with(prefix)) continue;
    const Json& value = file.metadata[key];
    const std::string field = key.substr(prefix.size());
    if (const auto row = std::ranges::find(field_rows, field, &FieldRow::field);
        row != std::end(field_rows) && value.is_number() &&
        (row->architecture.empty() || row->architecture == architecture)) {
      config.set(row->key, as_written(value));
      continue;
    }
    const auto row = std::ranges::find(neutral, field, &NeutralRow::field);
    const bool is_for_later =  // what depends on other fields, or on the architecture
        std::ranges::find(later_fields, field) != std::end(later_fields);
    if (!is_for_later && (row == neutral.end() || !is_equal(value, row->value)))
      return refuse(key, value);
  }
  return config;
}

// A file of an architecture, while its config is put together.
struct Gguf {
  const weights::WeightFile& file;
  std::string architecture;
  Json config;

  std::string key_of(std::string_view field) const {
    return fmt::format("{}.{}", architecture, field);
  }
  const Json& field(std::string_view name) const { return file.metadata[key_of(name)]; }
  tl::unexpected<Error> refuse_field(std::string_view name) const {
    return refuse(key_of(name), field(name));
  }
};

Result<void> read_head(Gguf& gguf) {
  const int64_t head_count = std::max<int64_t>(gguf.config["num_attention_heads"].as_int(), 1);
  const int64_t head_dim =
      gguf.config["head_dim"].as_int(gguf.config["hidden_size"].as_int() / head_count);
  gguf.config.set("head_dim", head_dim);
  if (const Json& value = gguf.field("attention.value_length");
      !value.is_null() && value != Json(head_dim))
    return gguf.refuse_field("attention.value_length");
  const Json& rotary_dims = gguf.field("rope.dimension_count");
  if (rotary_dims.is_null()) return {};
  // Llama's rows are in pairs of the whole head.
  if (gguf.architecture == "llama" ? rotary_dims != Json(head_dim)
                                   : rotary_dims.as_int() < 2 || rotary_dims.as_int() > head_dim)
    return gguf.refuse_field("rope.dimension_count");
  gguf.config.set("partial_rotary_factor", rotary_dims.as_double() / static_cast<double>(head_dim));
  return {};
}

// Rotary factors are tensors, those that the converters of Llama 3 and of Phi-3's long contexts
// make.
Result<Json> factors_of(const weights::WeightFile& file, const char* name) {
  const weights::StoredTensor* tensor = file.find(name);
  if (!tensor) return Json();
  constexpr uint64_t count_max = 4096;
  if (tensor->element_count() > count_max)
    return fail(Errc::bad_input, "tensor {} has {} factors", name, tensor->element_count());
  std::vector<float> factors(tensor->element_count());
  QB_CHECK(weights::decode_f32(*tensor, factors));
  return Json::array_of(factors);
}

Result<void> read_rope_scaling(Gguf& gguf) {
  QB_TRY(const Json listed, factors_of(gguf.file, "rope_freqs.weight"));
  QB_TRY(const Json within, factors_of(gguf.file, "rope_factors_short.weight"));
  const std::string type = gguf.field("rope.scaling.type").is_null()
                               ? "none"
                               : gguf.field("rope.scaling.type").as_string();
  const Json& factor = gguf.field("rope.scaling.factor");
  Json scaling;
  if (!within.is_null()) {
    scaling = Json::object({{"rope_type", "longrope"}, {"short_factor", within}});
    if (const Json& magnitude = gguf.field("rope.scaling.attn_factor"); !magnitude.is_null())
      scaling.set("attention_factor", as_written(magnitude));
    scaling.set("original_max_position_embeddings",
                gguf.field("rope.scaling.original_context_length"));
  } else if (!listed.is_null()) {
    scaling = Json::object({{"rope_type", "listed"}, {"factors", listed}});
  } else if (type == "linear") {
    scaling = Json::object({{"rope_type", type}, {"factor", as_written(factor)}});
  }
  if (within.is_null() && gguf.file.find("rope_factors_long.weight"))
    return fail(Errc::bad_input, "the weights have no tensor rope_factors_short.weight");
  if (within.is_null() && !gguf.field("rope.scaling.attn_factor").is_null())
    return gguf.refuse_field("rope.scaling.attn_factor");
  if (within.is_null() && !gguf.field("rope.scaling.original_context_length").is_null())
    return gguf.refuse_field("rope.scaling.original_context_length");
  if (type != "none" && type != "longrope" && (type != "linear" || !listed.is_null()))
    return gguf.refuse_field("rope.scaling.type");
  if (type == "none" && !factor.is_null() && factor.as_double() != 1.0)
    return gguf.refuse_field("rope.scaling.factor");
  if (!scaling.is_null()) gguf.config.set("rope_scaling", std::move(scaling));
  return {};
}

// 0 is none. Of Qwen's files nothing is known that has one.
Result<void> read_window(Gguf& gguf) {
  const Json& window = gguf.field("attention.sliding_window");
  const bool is_followed = gguf.architecture == "phi3" || gguf.architecture == "gemma3";
  if (window.is_null() || window == Json(0)) {
    if (gguf.architecture == "gemma3")
      return fail(Errc::bad_input, "gemma3.attention.sliding_window is missing");
    return {};
  }
  if (!is_followed) return gguf.refuse_field("attention.sliding_window");
  gguf.config.set("sliding_window", window);
  return {};
}

// What llama.cpp has fixed of each architecture.
Result<void> add_fixed(Gguf& gguf) {
  Json& config = gguf.config;
  const Json& local_base = gguf.field("rope.freq_base_swa");
  if (gguf.architecture != "gemma3" && !local_base.is_null())
    return gguf.refuse_field("rope.freq_base_swa");
  if (gguf.architecture == "gemma3") {
    constexpr int64_t layers_of_27b = 62;
    const int64_t head_count = std::max<int64_t>(config["num_attention_heads"].as_int(), 1);
    config.set("query_pre_attn_scalar", config["num_hidden_layers"].as_int() == layers_of_27b
                                            ? config["hidden_size"].as_int() / head_count
                                            : config["head_dim"].as_int());
    if (!local_base.is_null()) config.set("rope_local_base_freq", as_written(local_base));
  }
  if (gguf.architecture == "phi2")  // whose field is 4 times the width, whatever it is
    if (const weights::StoredTensor* up = gguf.file.find("blk.0.ffn_up.weight");
        up && !up->shape.empty())
      config.set("intermediate_size", up->shape[0]);
  const char* epsilon = gguf.architecture == "phi2" ? "layer_norm_eps" : "rms_norm_eps";
  if (config[epsilon].is_null())
    return fail(Errc::bad_input, "{} is missing",
                gguf.key_of(gguf.architecture == "phi2" ? "attention.layer_norm_epsilon"
                                                        : "attention.layer_norm_rms_epsilon"));
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
  Gguf gguf = {.file = file, .architecture = name};
  QB_TRY(gguf.config, read_fields(file, name));
  QB_CHECK(read_head(gguf));
  QB_CHECK(read_rope_scaling(gguf));
  QB_CHECK(read_window(gguf));
  QB_CHECK(add_fixed(gguf));
  Json& config = gguf.config;
  if (const weights::StoredTensor* table = file.find("token_embd.weight");
      table && !table->shape.empty() && config["vocab_size"].is_null())
    config.set("vocab_size", table->shape[0]);
  const weights::StoredTensor* head = file.find("output.weight");
  config.set("tie_word_embeddings", !head || is_copy(head, file.find("token_embd.weight")));
  config.set("attention_bias", file.find("blk.0.attn_q.bias") != nullptr);
  config.set("mlp_bias", file.find("blk.0.ffn_up.bias") != nullptr);
  config.set("model_type", name);
  config.set("architectures", Json::array_of(std::vector{architecture.class_name}));
  return std::move(gguf.config);
}

}  // namespace qb::prepare
