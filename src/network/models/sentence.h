// The vector of a sentence, as sentence-transformers makes it of an encoder's tokens (Reimers and
// Gurevych 2019).
#pragma once

#include "network/ir/builder.h"
#include "network/models/config.h"

namespace qb::models {

enum class Pooling : uint8_t { mean, first };  // of the tokens that the mask leaves; the first one

struct SentenceOptions {
  Pooling pooling = Pooling::mean;
  bool is_normalized = false;  // to length 1
  int64_t max_tokens = 0;      // that a text is cut to, special ones included; 0: not said
};

// The field "sentence_transformers", which holds what lies beside a config.json: {"modules", the
// list of modules.json; "pooling", the config.json of the module Pooling; "transformer",
// sentence_bert_config.json}. Without it, as sentence-transformers takes such a folder: the mean,
// as it is. What isn't followed is refused by its name.
SentenceOptions read_sentence(Config& config);

// x [batch, sequence, width], mask i64 [batch, sequence] to [batch, width].
ir::Value sentence_vector(ir::Builder& b, ir::Value x, ir::Value mask,
                          const SentenceOptions& options);

}  // namespace qb::models
