// Llama-family models in GGUF: names, the order of rotary rows, metadata, tokenizer.
#pragma once

#include <memory>

#include "base/result.h"
#include "bundle/bundle.h"
#include "text/tokenizer.h"
#include "weights/weight_file.h"

namespace qb::prepare {

// Parameters under their Hugging Face names. GGUF keeps the rows of q_proj and k_proj so that
// rotary pairs are neighbours; ours rotates halves: the rows are put back.
bundle::ParameterSource gguf_llama_source(std::shared_ptr<const weights::WeightFile> file);

// That the file is a Llama of the graph's rotary base, norm epsilon and head counts: what the
// tensors' shapes can't show.
Result<void> check_llama_metadata(const weights::WeightFile& file, const ir::Graph& graph);

Result<text::BpeDefinition> tokenizer_of(const weights::WeightFile& file);

}  // namespace qb::prepare
