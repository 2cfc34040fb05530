// SentencePiece models: what a ModelProto says, read and written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/text/definition.h"

namespace qb::text {

// What a ModelProto is made of; the kinds are SentencePiece's: 1 normal, 2 unknown, 3 control,
// 4 user-defined, 5 unused, 6 byte. GGUF has the same.
struct SentencePieceParts {
  std::vector<std::string> pieces;
  std::vector<double> scores;
  std::vector<int64_t> kinds;
  bool is_unigram = false;      // else BPE
  bool adds_space = true;       // before the text
  bool removes_spaces = false;  // at the ends, and where several follow each other
  std::string character_map;    // precompiled_charsmap
};
std::string write_sentence_piece(const SentencePieceParts& parts);

struct SentencePieceDefinition {
  Definition definition;         // control and unknown pieces are found whole in the text
  int32_t begin = -1, end = -1;  // of a text: the control pieces; -1 where there is none
};

// Error: it is no ModelProto, or none that the library takes.
Result<SentencePieceDefinition> read_sentence_piece(std::string proto);

}  // namespace qb::text
