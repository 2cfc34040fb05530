// Byte-level BPE tokenizers (Sennrich et al. 2016; bytes as in GPT-2), equal to Hugging Face
// `tokenizers` on valid UTF-8.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qb::text {

// What a tokenizer is made of. From a GGUF: tokens = tokenizer.ggml.tokens, merges =
// tokenizer.ggml.merges, special_tokens = those whose tokenizer.ggml.token_type is 3 or 4,
// split_patterns = split_patterns_of(tokenizer.ggml.pre).
struct BpeDefinition {
  std::vector<std::string> tokens;  // by id, bytes written as GPT-2's printable characters
  std::vector<std::string> merges;  // "left right", best first
  // Applied one after another: each cuts every piece into its matches and what lies between them.
  std::vector<std::string> split_patterns;
  std::vector<int32_t> special_tokens;  // found whole in the text before anything else
  std::vector<int32_t> added_tokens;    // then these, in what lies between
  bool ignore_merges = false;           // a piece that is a token is that token
};

// Whether the token, written in GPT-2's characters, stands for a single byte.
bool is_one_byte(std::string_view token);

// The pre-tokenizer that llama.cpp's name stands for; an unknown name is an error.
Result<std::vector<std::string>> split_patterns_of(std::string_view gguf_pre);

class Tokenizer {
 public:
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;

  // Errors: text that is no UTF-8; a pattern that exceeds its match limit.
  Result<std::vector<int32_t>> encode(std::string_view utf8) const;
  // The bytes of the tokens; ids outside the vocabulary give nothing.
  std::string decode(std::span<const int32_t> ids) const;
  size_t vocabulary_size() const;

  friend Result<Tokenizer> build_tokenizer(BpeDefinition definition);

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

Result<Tokenizer> build_tokenizer(BpeDefinition definition);

// tokenizer.json of Hugging Face, model BPE with byte-level pre-tokenization.
Result<BpeDefinition> load_huggingface_tokenizer(const std::filesystem::path& path);

}  // namespace qb::text
