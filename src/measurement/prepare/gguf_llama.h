// Llama-family models in GGUF: names, the order of rotary rows, metadata.
#pragma once

#include <memory>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "network/weights/weight_file.h"

namespace qb::prepare {

// Parameters under their Hugging Face names. GGUF keeps the rows of q_proj and k_proj so that
// rotary pairs are neighbours; ours rotates halves: the rows are put back.
bundle::ParameterSource gguf_llama_source(std::shared_ptr<const weights::WeightFile> file);

// That the file is the graph's Llama and nothing more: its rotary base, norm epsilon and head
// counts, which shapes can't show, are the graph's; every other field of the architecture is at the
// value that changes nothing; every tensor is a parameter of the graph. What would change the
// network is refused by its name. Errors: bad_input, unsupported.
Result<void> check_llama(const weights::WeightFile& file, const ir::Graph& graph);

}  // namespace qb::prepare
