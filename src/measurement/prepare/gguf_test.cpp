// A GGUF of a tiny Llama: what it says is read, or refused by its name.
#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "measurement/prepare/gguf_config.h"
#include "measurement/prepare/gguf_tokenizer.h"
#include "measurement/prepare/placement.h"
#include "network/models/architectures.h"

using namespace qb;
using namespace qb::prepare;
namespace fs = std::filesystem;

namespace {

template <typename T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
std::string counted(std::string_view text) {
  return raw<uint64_t>(text.size()) + std::string(text);
}
std::string u32(uint32_t value) { return raw<uint32_t>(4) + raw(value); }
std::string f32(float value) { return raw<uint32_t>(6) + raw(value); }
std::string boolean(bool value) { return raw<uint32_t>(7) + raw<uint8_t>(value); }
std::string text_value(std::string_view value) { return raw<uint32_t>(8) + counted(value); }
std::string reals(float value) {
  return raw<uint32_t>(9) + raw<uint32_t>(6) + raw<uint64_t>(1) + raw(value);
}

// A GGUF of the tiny Llama; a test adds to it or takes away.
struct Parts {
  std::map<std::string, std::string> fields = {  // type and value
      {"general.architecture", text_value("llama")},
      {"general.name", text_value("anything")},
      {"llama.block_count", u32(1)},
      {"llama.context_length", u32(32)},
      {"llama.embedding_length", u32(8)},
      {"llama.feed_forward_length", u32(12)},
      {"llama.attention.head_count", u32(2)},
      {"llama.attention.head_count_kv", u32(1)},
      {"llama.attention.layer_norm_rms_epsilon", f32(1e-5f)},
      {"llama.rope.dimension_count", u32(4)},
      {"llama.vocab_size", u32(16)},
      {"somebody.made_it", text_value("with care")}};
  std::map<std::string, std::vector<int64_t>> tensors = {  // extents, innermost first
      {"token_embd.weight", {8, 16}},       {"output_norm.weight", {8}},
      {"blk.0.attn_norm.weight", {8}},      {"blk.0.attn_q.weight", {8, 8}},
      {"blk.0.attn_k.weight", {8, 4}},      {"blk.0.attn_v.weight", {8, 4}},
      {"blk.0.attn_output.weight", {8, 8}}, {"blk.0.ffn_norm.weight", {8}},
      {"blk.0.ffn_gate.weight", {8, 12}},   {"blk.0.ffn_up.weight", {8, 12}},
      {"blk.0.ffn_down.weight", {12, 8}}};
  std::map<std::string, float> values;  // of all elements of a tensor; 0.5 when not given

  weights::WeightFile load() const {
    std::string out =
        "GGUF" + raw<uint32_t>(3) + raw<uint64_t>(tensors.size()) + raw<uint64_t>(fields.size());
    for (const auto& [key, value] : fields) out += counted(key) + value;
    std::string data;
    for (const auto& [name, extents] : tensors) {
      out += counted(name) + raw(static_cast<uint32_t>(extents.size()));
      int64_t count = 1;
      for (const int64_t extent : extents) {
        out += raw(extent);
        count *= extent;
      }
      out += raw<uint32_t>(0) + raw<uint64_t>(data.size());
      const auto value = values.find(name);
      for (int64_t i = 0; i < count; ++i) data += raw(value == values.end() ? 0.5f : value->second);
      data.resize((data.size() + 31) / 32 * 32, '\0');
    }
    out.resize((out.size() + 31) / 32 * 32, '\0');
    const fs::path path = fs::temp_directory_path() / fmt::format("qb_llama_{}.gguf", ::getpid());
    std::ofstream(path, std::ios::binary) << out + data;
    auto file = weights::load_weights(path);
    fs::remove(path);
    CAPTURE((file ? std::string() : file.error().message));
    REQUIRE(file);
    return *std::move(file);
  }
};

Result<models::Model> read(const Parts& parts) {
  QB_TRY(const Json config, config_of_gguf(parts.load()));
  return models::read_model(config);
}

Result<void> check(const Parts& parts) {
  const weights::WeightFile file = parts.load();
  QB_TRY(const Json config, config_of_gguf(file));
  QB_TRY(const models::Model model, models::read_model(config));
  QB_TRY(const auto networks, models::build_networks(model));
  QB_TRY([[maybe_unused]] const Placement placement, place_parameters(file, networks, model));
  return {};
}

}  // namespace

TEST_CASE("a Llama with what its network has is taken, notes and neutral values too") {
  CHECK(check({}));
  Parts parts;
  parts.fields["llama.rope.scaling.type"] = text_value("none");
  parts.fields["llama.rope.scaling.factor"] = f32(1.0f);
  parts.fields["llama.expert_count"] = u32(0);
  parts.fields["general.type"] = text_value("model");
  parts.fields["quantize.imatrix.file"] = text_value("x");
  parts.tensors["output.weight"] = {8, 16};  // the tied head once more
  const auto checked = check(parts);
  CAPTURE((checked ? std::string() : checked.error().message));
  CHECK(checked);
}

TEST_CASE("sizes, numbers and whether the head is tied are read from the file") {
  Parts parts;
  parts.fields["llama.rope.freq_base"] = f32(500000.0f);
  parts.fields["llama.attention.layer_norm_rms_epsilon"] = f32(1e-5f);
  const auto tied = read(parts);
  REQUIRE(tied);
  CHECK(tied->context_tokens == 32);
  const std::string graph = ir::print(tied->build().value());
  CHECK(graph.find("rope_theta=500000") != std::string::npos);
  CHECK(graph.find("epsilon=1e-05") != std::string::npos);
  CHECK(graph.find("lm_head") == std::string::npos);
  parts.tensors["output.weight"] = {8, 16};
  parts.values["output.weight"] = 0.0f;
  CHECK(ir::print(read(parts)->build().value()).find("lm_head.weight") != std::string::npos);
  CHECK(check(parts));
}

TEST_CASE("rows whose rotary pairs are neighbours are put back into halves") {
  Parts parts;
  const auto file = std::make_shared<const weights::WeightFile>(parts.load());
  const weights::StoredTensor* k = file->find("blk.0.attn_k.weight");
  REQUIRE(k);
  const std::vector<float> rows = {0, 1, 2, 3};  // one head of 4, each row one value
  weights::StoredTensor stored = *k;
  stored.shape = {4, 1};
  stored.bytes = std::as_bytes(std::span(rows));
  const ir::ValueInfo info = {.name = "k", .shape = {4, 1}};
  const auto source = placed_source(
      file, {{"k", {.tensor = &stored, .shape = {4, 1}, .paired_head_count = 1}},
             {"part", {.tensor = &stored, .first_row = 2, .shape = {4, 1}, .offset = 1.0}}});
  std::vector<float> out(4);
  REQUIRE(source(info, out));
  CHECK(out == std::vector<float>{0, 2, 1, 3});
  std::vector<float> part(2);
  REQUIRE(source({.name = "part", .shape = {2, 1}}, part));
  CHECK(part == std::vector<float>{3, 4});
}

TEST_CASE("a field that changes the network is refused by its name") {
  const std::pair<std::string, std::string> fields[] = {
      {"llama.rope.scaling.type", text_value("yarn")},
      {"llama.rope.scaling.factor", f32(8.0f)},
      {"llama.rope.scaling.original_context_length", u32(8)},
      {"llama.rope.scaling.attn_factor", f32(2.0f)},
      {"llama.rope.scaling.yarn_log_multiplier", f32(0.1f)},
      {"llama.rope.scale_linear", f32(2.0f)},
      {"llama.rope.dimension_count", u32(2)},
      {"llama.rope.dimension_sections", reals(1.0f)},
      {"llama.attention.value_length", u32(8)},
      {"llama.attention.sliding_window", u32(16)},
      {"llama.attention.causal", boolean(false)},
      {"llama.attention.scale", f32(0.1f)},
      {"llama.attention.clamp_kqv", f32(8.0f)},
      {"llama.attention.temperature_scale", f32(0.1f)},
      {"llama.logit_scale", f32(0.5f)},
      {"llama.embedding_scale", f32(12.0f)},
      {"llama.residual_scale", f32(0.2f)},
      {"llama.final_logit_softcapping", f32(30.0f)},
      {"llama.use_parallel_residual", boolean(true)},
      {"llama.what_comes_next_year", u32(1)},
      {"general.type", text_value("adapter")},
      {"general.architecture", text_value("gpt-17")}};
  for (const auto& [key, value] : fields) {
    CAPTURE(key);
    Parts parts;
    parts.fields[key] = value;
    const auto checked = check(parts);
    REQUIRE_FALSE(checked);
    const std::string& message = checked.error().message;
    CHECK(message.find(key) != std::string::npos);
  }
}

TEST_CASE("a size that is not that of the tensors, and experts, are refused") {
  struct Row {
    std::string key, value, word;
  };
  const Row rows[] = {{"llama.block_count", u32(2), "blk.1."},
                      {"llama.block_count", u32(5000), "num_hidden_layers is 5000"},
                      {"llama.embedding_length", u32(16), "llama.rope.dimension_count"},
                      {"llama.feed_forward_length", u32(16), "[16, 8]"},
                      {"llama.vocab_size", u32(15), "token_embd.weight is [16, 8]"},
                      {"llama.attention.head_count", u32(4), "llama.rope.dimension_count"},
                      {"llama.attention.head_count_kv", u32(2), "attn_k.weight"},
                      {"llama.attention.head_count_kv", u32(3), "can't share"},
                      {"llama.attention.head_count", u32(0), "llama.rope.dimension_count"},
                      {"llama.attention.key_length", u32(8), "llama.rope.dimension_count"},
                      {"llama.attention.layer_norm_rms_epsilon", f32(-1.0f), "rms_norm_eps"},
                      {"llama.expert_count", u32(8), "mixture of experts"}};
  for (const Row& row : rows) {
    CAPTURE(row.key);
    Parts parts;
    parts.fields[row.key] = row.value;
    const auto checked = check(parts);
    REQUIRE_FALSE(checked);
    CAPTURE(checked.error().message);
    CHECK(checked.error().message.find(row.word) != std::string::npos);
  }
  Parts lacking;
  lacking.fields.erase("llama.attention.layer_norm_rms_epsilon");
  CHECK(check(lacking).error().message.find("layer_norm_rms_epsilon is missing") !=
        std::string::npos);
}

TEST_CASE("a tensor that the network has no place for is refused by its name, a missing one too") {
  for (const char* name :
       {"blk.0.attn_output.bias", "blk.0.ffn_down.bias", "output.bias", "blk.0.attn_q_norm.weight",
        "blk.0.ffn_gate_inp.weight", "blk.1.attn_norm.weight", "blk.0.attn_sinks.weight",
        "what.comes.next.weight"}) {
    CAPTURE(name);
    Parts parts;
    parts.tensors[name] = {8};
    const auto checked = check(parts);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message.starts_with(fmt::format("tensor {} has no place", name)));
  }
  Parts biased;  // then all four have one
  biased.tensors["blk.0.attn_q.bias"] = {8};
  CHECK(check(biased).error().message == "the weights have no tensor blk.0.attn_k.bias");
  Parts scaled;
  scaled.tensors["rope_freqs.weight"] = {8};
  CHECK(check(scaled).error().message == "factors is no list of 2 factors");
  Parts lacking;
  lacking.tensors.erase("blk.0.ffn_up.weight");
  CHECK(check(lacking).error().message == "the weights have no tensor blk.0.ffn_up.weight");
}

TEST_CASE("a tokenizer's field that changes how text is cut is refused by its name") {
  const auto tokenizer = [](const std::string& key, const std::string& value) {
    Parts parts;
    const std::string tokens =
        raw<uint32_t>(9) + raw<uint32_t>(8) + raw<uint64_t>(1) + counted("a");
    parts.fields["tokenizer.ggml.model"] = text_value("gpt2");
    parts.fields["tokenizer.ggml.pre"] = text_value("smollm");
    parts.fields["tokenizer.ggml.tokens"] = tokens;
    parts.fields["tokenizer.ggml.merges"] =
        raw<uint32_t>(9) + raw<uint32_t>(8) + raw<uint64_t>(1) + counted("a a");
    parts.fields["tokenizer.ggml.bos_token_id"] = u32(0);
    parts.fields["tokenizer.chat_template"] = text_value("x");
    parts.fields[key] = value;
    return tokenizer_of(parts.load());
  };
  CHECK(tokenizer("tokenizer.ggml.add_space_prefix", boolean(false)));
  CHECK(tokenizer("tokenizer.ggml.add_bos_token", boolean(true)));
  struct Row {
    std::string key, value, word;
  };
  const Row rows[] = {
      {"tokenizer.ggml.add_space_prefix", boolean(true), "tokenizer.ggml.add_space_prefix (true)"},
      {"tokenizer.ggml.remove_extra_whitespaces", boolean(true), "remove_extra_whitespaces"},
      {"tokenizer.ggml.precompiled_charsmap", reals(1.0f), "precompiled_charsmap (a list)"},
      {"tokenizer.ggml.normalizer", text_value("NFC"), "normalizer"},
      {"tokenizer.ggml.model", text_value("bert"), "tokenizer.ggml.model"},
      {"tokenizer.ggml.model", text_value("llama"), "1 tokens have 0 scores and 0 types"},
      {"tokenizer.ggml.pre", text_value("unheard-of"), "unheard-of"}};
  for (const Row& row : rows) {
    CAPTURE(row.key);
    const auto definition = tokenizer(row.key, row.value);
    REQUIRE_FALSE(definition);
    CHECK(definition.error().message.find(row.word) != std::string::npos);
  }
}
