// What GGUF calls the tensors that have a name on the Hugging Face hub.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qb::prepare {

// "blk.7.ffn_up.weight" of "model.layers.7.mlp.up_proj.weight". Error: it has none.
Result<std::string> gguf_name(std::string_view architecture, std::string_view tensor);

}  // namespace qb::prepare
