// What a tokenizer is made of, whichever file it comes from: the words are those of Hugging Face's
// tokenizer.json.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace qb::text {

// A token that is found whole in the text, before the model sees it.
struct AddedToken {
  int32_t id = 0;
  std::string text;
  bool is_single_word = false;    // not within a word
  bool takes_left_space = false;  // with the white space before it
  bool takes_right_space = false;
  bool is_normalized = false;  // found in the normalized text, after those that are not
};

struct Definition {
  std::vector<std::string> tokens;  // of the model, by id; an empty one is no token
  std::vector<std::pair<std::string, std::string>> merges;  // best first
  std::vector<double> scores;                               // of Unigram, by id
  std::vector<AddedToken> added_tokens;
  // The model's other fields. Its type is BPE, WordPiece, WordLevel or Unigram, or SentencePiece:
  // then `sentence_piece` is all of it.
  Json model;
  std::string sentence_piece;  // a ModelProto
  Json normalizer, pre_tokenizer, post_processor, decoder, truncation, padding;
};

// Sets what llama.cpp's name of a pre-tokenizer stands for; an unknown name is an error.
Result<void> use_gguf_pre(std::string_view name, Definition& definition);

// Pre-tokenizers as tokenizer.json has them.
Json split_json(std::string_view pattern);
Json byte_level_json(bool splits);
Json qwen2_pre_tokenizer();

}  // namespace qb::text
