// BERT (Devlin et al. 2018) as an encoder of sentences, such as MiniLM (Wang et al. 2020).
#pragma once

#include <string>

#include "network/ir/operators.h"
#include "network/models/activation.h"
#include "network/models/models.h"
#include "network/models/sentence.h"

namespace qb::models {

struct BertConfig {
  std::string name;
  int64_t layer_count = 0;
  int64_t width = 0;
  int64_t ffn_width = 0;
  int64_t head_count = 0;
  int64_t vocabulary_size = 0;
  int64_t position_count = 0;
  double layer_norm_eps = 1e-12;
  Activation activation = Activation::gelu;
  SentenceOptions sentence;
};

// Takes tokens and mask i64 [batch, sequence], 0 where a token is padding, gives the sentence's
// vector [batch, width]. Every token is of the first segment.
Model bert_model(const BertConfig& config);

}  // namespace qb::models
