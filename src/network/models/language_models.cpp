// Language models of the hub that people use: each row is the sizes in its own config.json, read
// like any user's.
#include "network/models/language_models.h"

#include "network/models/architectures.h"

namespace qb::models {
namespace {

struct Row {
  std::string_view name;
  std::string_view title;
  std::string_view repository;
  std::string_view licence;
  std::string_view config;
};

constexpr Row rows[] = {
    {"llama-2-7b", "Llama 2 of 7 billion weights", "meta-llama/Llama-2-7b-hf", "llama2", R"({
       "architectures": ["LlamaForCausalLM"], "vocab_size": 32000, "hidden_size": 4096,
       "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
       "num_key_value_heads": 32, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5})"},
    {"mistral-7b", "Mistral 7B v0.1, which sees a window of 4,096 tokens",
     "mistralai/Mistral-7B-v0.1", "apache-2.0", R"({
       "architectures": ["MistralForCausalLM"], "vocab_size": 32000, "hidden_size": 4096,
       "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
       "num_key_value_heads": 8, "max_position_embeddings": 32768, "rms_norm_eps": 1e-5,
       "sliding_window": 4096})"},
    {"phi-2", "Phi-2 of 2.8 billion weights", "microsoft/phi-2", "mit", R"({
       "architectures": ["PhiForCausalLM"], "vocab_size": 51200, "hidden_size": 2560,
       "intermediate_size": 10240, "num_hidden_layers": 32, "num_attention_heads": 32,
       "max_position_embeddings": 2048, "partial_rotary_factor": 0.4, "layer_norm_eps": 1e-5})"},
    {"phi-3-mini", "Phi-3-mini-4k-instruct of 3.8 billion weights",
     "microsoft/Phi-3-mini-4k-instruct", "mit", R"({
       "architectures": ["Phi3ForCausalLM"], "vocab_size": 32064, "hidden_size": 3072,
       "intermediate_size": 8192, "num_hidden_layers": 32, "num_attention_heads": 32,
       "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "sliding_window": 2047})"},
    {"llama-3.2-1b", "Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-1B-Instruct", "llama3.2", R"({
       "architectures": ["LlamaForCausalLM"], "vocab_size": 128256, "hidden_size": 2048,
       "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
       "num_key_value_heads": 8, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
       "rope_theta": 500000.0, "tie_word_embeddings": true,
       "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
                        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}})"},
    {"gemma-3-1b", "Gemma-3-1b-it, of whose layers five in six see a window of 512 tokens",
     "google/gemma-3-1b-it", "gemma", R"({
       "architectures": ["Gemma3ForCausalLM"], "vocab_size": 262144, "hidden_size": 1152,
       "intermediate_size": 6912, "num_hidden_layers": 26, "num_attention_heads": 4,
       "num_key_value_heads": 1, "head_dim": 256, "max_position_embeddings": 32768,
       "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "sliding_window": 512,
       "sliding_window_pattern": 6, "query_pre_attn_scalar": 256, "torch_dtype": "bfloat16"})"},
    {"tinyllama-1.1b", "TinyLlama-1.1B-Chat", "TinyLlama/TinyLlama-1.1B-Chat-v1.0", "apache-2.0",
     R"({
       "architectures": ["LlamaForCausalLM"], "vocab_size": 32000, "hidden_size": 2048,
       "intermediate_size": 5632, "num_hidden_layers": 22, "num_attention_heads": 32,
       "num_key_value_heads": 4, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5})"},
    {"qwen3-0.6b", "Qwen3-0.6B", "Qwen/Qwen3-0.6B", "apache-2.0", R"({
       "architectures": ["Qwen3ForCausalLM"], "vocab_size": 151936, "hidden_size": 1024,
       "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
       "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 40960,
       "rope_theta": 1000000.0, "tie_word_embeddings": true})"},
    {"qwen2.5-0.5b", "Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct", "apache-2.0", R"({
       "architectures": ["Qwen2ForCausalLM"], "vocab_size": 151936, "hidden_size": 896,
       "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
       "num_key_value_heads": 2, "max_position_embeddings": 32768, "rope_theta": 1000000.0,
       "tie_word_embeddings": true})"},
    {"smollm2-360m", "SmolLM2-360M-Instruct", "HuggingFaceTB/SmolLM2-360M-Instruct", "apache-2.0",
     R"({
       "architectures": ["LlamaForCausalLM"], "vocab_size": 49152, "hidden_size": 960,
       "intermediate_size": 2560, "num_hidden_layers": 32, "num_attention_heads": 15,
       "num_key_value_heads": 5, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5,
       "rope_theta": 100000.0, "tie_word_embeddings": true})"},
    {"smollm2-1.7b", "SmolLM2-1.7B-Instruct", "HuggingFaceTB/SmolLM2-1.7B-Instruct", "apache-2.0",
     R"({
       "architectures": ["LlamaForCausalLM"], "vocab_size": 49152, "hidden_size": 2048,
       "intermediate_size": 8192, "num_hidden_layers": 24, "num_attention_heads": 32,
       "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 130000.0,
       "tie_word_embeddings": true})"},
};

// One whose row can't be read builds what the error says: table-wide tests build every row.
Model model_of(const Row& row) {
  const Result<Json> config = parse_json(row.config);
  Result<Model> read = config ? read_model(*config) : tl::unexpected(config.error());
  Model model =
      read ? *std::move(read) : Model{.build = [error = read.error()]() -> Result<ir::Graph> {
        return tl::unexpected(error);
      }};
  model.name = row.name;
  model.summary = row.title;
  model.repository = row.repository;
  model.licence = row.licence;
  model.build = [build = model.build, name = model.name]() -> Result<ir::Graph> {
    QB_TRY(ir::Graph graph, build());
    graph.name = name;
    return graph;
  };
  return model;
}

}  // namespace

std::vector<Model> language_models() {
  std::vector<Model> models;
  for (const Row& row : rows) models.push_back(model_of(row));
  return models;
}

}  // namespace qb::models
