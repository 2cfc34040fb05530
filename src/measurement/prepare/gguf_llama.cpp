#include "measurement/prepare/gguf_llama.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel.h"

namespace qb::prepare {
namespace {

struct NamePair {
  std::string_view ours;
  std::string_view gguf;
};
constexpr NamePair top_names[] = {{"model.embed_tokens.weight", "token_embd.weight"},
                                  {"model.norm.weight", "output_norm.weight"},
                                  {"lm_head.weight", "output.weight"}};
constexpr NamePair layer_names[] = {{"input_layernorm.weight", "attn_norm.weight"},
                                    {"self_attn.q_proj.weight", "attn_q.weight"},
                                    {"self_attn.k_proj.weight", "attn_k.weight"},
                                    {"self_attn.v_proj.weight", "attn_v.weight"},
                                    {"self_attn.o_proj.weight", "attn_output.weight"},
                                    {"post_attention_layernorm.weight", "ffn_norm.weight"},
                                    {"mlp.gate_proj.weight", "ffn_gate.weight"},
                                    {"mlp.up_proj.weight", "ffn_up.weight"},
                                    {"mlp.down_proj.weight", "ffn_down.weight"}};

// "model.layers.7.mlp.up_proj.weight" is "blk.7.ffn_up.weight".
Result<std::string> gguf_name(std::string_view ours) {
  for (const NamePair& pair : top_names)
    if (pair.ours == ours) return std::string(pair.gguf);
  constexpr std::string_view prefix = "model.layers.";
  const size_t dot = ours.find('.', prefix.size());
  if (ours.starts_with(prefix) && dot != std::string_view::npos)
    for (const NamePair& pair : layer_names)
      if (pair.ours == ours.substr(dot + 1))
        return fmt::format("blk.{}.{}", ours.substr(prefix.size(), dot - prefix.size()), pair.gguf);
  return fail(Errc::bad_input, "{} has no name in GGUF", ours);
}

// Row 2i + half of a head in GGUF is row half * head_dim / 2 + i of ours.
void restore_rotary_rows(std::span<float> weight, size_t head_count, size_t column_count) {
  const std::vector<float> from(weight.begin(), weight.end());
  const size_t head_dim = weight.size() / column_count / head_count;
  for (size_t head = 0; head < head_count; ++head)
    for (size_t half = 0; half < 2; ++half)
      for (size_t i = 0; i < head_dim / 2; ++i) {
        const size_t source = head * head_dim + 2 * i + half;
        const size_t target = head * head_dim + half * head_dim / 2 + i;
        std::copy_n(from.begin() + static_cast<long>(source * column_count), column_count,
                    weight.begin() + static_cast<long>(target * column_count));
      }
}

Result<int64_t> head_count_of(const weights::WeightFile& file, std::string_view parameter) {
  if (parameter.ends_with("q_proj.weight"))
    return file.metadata.get_int("llama.attention.head_count");
  if (parameter.ends_with("k_proj.weight"))
    return file.metadata.get_int("llama.attention.head_count_kv");
  return 0;
}

// Fields of the architecture that qbench reads, or that say nothing of the arithmetic.
constexpr std::string_view known_fields[] = {"llama.block_count",
                                             "llama.context_length",
                                             "llama.embedding_length",
                                             "llama.feed_forward_length",
                                             "llama.attention.head_count",
                                             "llama.attention.head_count_kv",
                                             "llama.attention.layer_norm_rms_epsilon",
                                             "llama.attention.key_length",
                                             "llama.attention.value_length",
                                             "llama.rope.freq_base",
                                             "llama.rope.dimension_count",
                                             "llama.vocab_size"};

// Others that may be there, with the value that changes nothing.
struct NeutralField {
  std::string_view name;
  Json value;
};
std::vector<NeutralField> neutral_fields() {
  return {{"general.type", "model"},
          {"llama.rope.scaling.type", "none"},
          {"llama.rope.scaling.factor", 1.0},
          {"llama.rope.scale_linear", 1.0},
          {"llama.rope.scaling.finetuned", false},
          {"llama.attention.causal", true},
          {"llama.attention.sliding_window", 0},
          {"llama.expert_count", 0},
          {"llama.expert_used_count", 0},
          {"llama.use_parallel_residual", false}};
}

bool is_equal(const Json& a, const Json& b) {
  return a.is_number() && b.is_number() ? a.as_double() == b.as_double() : a == b;
}

// Of an architecture's fields llama.cpp reads those with its name before them; others are notes.
Result<void> check_neutral(const weights::WeightFile& file) {
  const std::vector<NeutralField> neutral = neutral_fields();
  for (const std::string& key : file.keys()) {
    const Json& value = file.metadata[key];
    const auto row = std::ranges::find(neutral, key, &NeutralField::name);
    const bool is_known = std::ranges::find(known_fields, key) != std::end(known_fields);
    if (row == neutral.end() ? is_known || !key.starts_with("llama.") : is_equal(value, row->value))
      continue;
    return fail(Errc::unsupported, "field {} ({}) would change the network, and is not followed",
                key, value.is_null() ? "a list" : dump_json(value));
  }
  return {};
}

int64_t extent_of(const ir::Graph& graph, std::string_view parameter, size_t axis) {
  for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter))
    if (graph[value].name == parameter) return ir::bind(graph[value].shape, {})[axis];
  return 0;
}

// Sizes that the file may state; where it does, they are the graph's.
Result<void> check_sizes(const Json& metadata, const ir::Graph& graph) {
  int64_t layer_count = 0;
  int64_t head_dim = 0;
  for (const ir::Node& node : graph.nodes)
    if (node.op == ir::Op::cached_attention) {
      ++layer_count;
      head_dim = node.attributes.integer("head_dim");
    }
  const std::pair<std::string_view, int64_t> sizes[] = {
      {"llama.block_count", layer_count},
      {"llama.embedding_length", extent_of(graph, "model.embed_tokens.weight", 1)},
      {"llama.vocab_size", extent_of(graph, "model.embed_tokens.weight", 0)},
      {"llama.feed_forward_length", extent_of(graph, "model.layers.0.mlp.up_proj.weight", 0)},
      {"llama.attention.key_length", head_dim},
      {"llama.attention.value_length", head_dim},
      {"llama.rope.dimension_count", head_dim}};
  for (const auto& [name, size] : sizes)
    if (const Json& value = metadata[name]; !value.is_null() && value.as_int(-1) != size)
      return fail(Errc::bad_input, "{} is {}, the model has {}", name, dump_json(value), size);
  return {};
}

Result<void> check_numbers(const Json& metadata, const ir::Graph& graph) {
  QB_TRY(const double epsilon, metadata.get_double("llama.attention.layer_norm_rms_epsilon"));
  const double theta = metadata["llama.rope.freq_base"].as_double(10000.0);
  QB_TRY(const int64_t head_count, metadata.get_int("llama.attention.head_count"));
  QB_TRY(const int64_t kv_head_count, metadata.get_int("llama.attention.head_count_kv"));
  for (const ir::Node& node : graph.nodes) {
    const ir::Attributes& a = node.attributes;
    if (node.op == ir::Op::rms_norm && std::fabs(a.real("epsilon") - epsilon) > 1e-3 * epsilon)
      return fail(Errc::bad_input, "norm epsilon is {}, the model has {}", epsilon,
                  a.real("epsilon"));
    if (node.op == ir::Op::cached_attention &&
        (a.real("rope_theta") != theta || a.integer("head_count") != head_count ||
         a.integer("kv_head_count") != kv_head_count))
      return fail(Errc::bad_input, "rotary base {} and {}/{} heads are not the model's", theta,
                  head_count, kv_head_count);
  }
  return {};
}

// A head that the model ties to its embedding may be stored once more.
bool is_tied_head(const weights::WeightFile& file, const weights::StoredTensor& tensor) {
  const weights::StoredTensor* embedding = file.find("token_embd.weight");
  return tensor.name == "output.weight" && embedding && tensor.format == embedding->format &&
         tensor.shape == embedding->shape && !tensor.bytes.empty() &&
         std::ranges::equal(tensor.bytes, embedding->bytes);
}

Result<void> check_tensors(const weights::WeightFile& file, const ir::Graph& graph) {
  std::set<std::string> names;
  for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter)) {
    QB_TRY(std::string name, gguf_name(graph[value].name));
    if (!file.find(name)) return fail(Errc::bad_input, "the GGUF has no tensor {}", name);
    names.insert(std::move(name));
  }
  for (const weights::StoredTensor& tensor : file.tensors)
    if (!names.contains(tensor.name) && !is_tied_head(file, tensor))
      return fail(Errc::unsupported, "tensor {} has no place in {}, and would change it",
                  tensor.name, graph.name);
  return {};
}

}  // namespace

bundle::ParameterSource gguf_llama_source(std::shared_ptr<const weights::WeightFile> file) {
  return [file = std::move(file)](const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    QB_TRY(const std::string name, gguf_name(info.name));
    const weights::StoredTensor* tensor = file->find(name);
    if (!tensor) return fail(Errc::bad_input, "the GGUF has no tensor {}", name);
    const std::vector<int64_t> shape = ir::bind(info.shape, {});
    if (tensor->shape != shape)
      return fail(Errc::bad_input, "tensor {} is [{}], the model wants {}", name,
                  fmt::join(tensor->shape, ", "), ir::to_string(info.shape));
    QB_CHECK(weights::decode_f32(*tensor, out, available_threads()));
    QB_TRY(const int64_t head_count, head_count_of(*file, info.name));
    if (head_count > 0)
      restore_rotary_rows(out, static_cast<size_t>(head_count), static_cast<size_t>(shape[1]));
    return {};
  };
}

Result<void> check_llama(const weights::WeightFile& file, const ir::Graph& graph) {
  const Json& metadata = file.metadata;
  if (metadata["general.architecture"].as_string() != "llama")
    return fail(Errc::unsupported, "general.architecture is \"{}\", llama is read",
                metadata["general.architecture"].as_string());
  QB_CHECK(check_neutral(file));
  QB_CHECK(check_sizes(metadata, graph));
  QB_CHECK(check_numbers(metadata, graph));
  return check_tensors(file, graph);
}

}  // namespace qb::prepare
