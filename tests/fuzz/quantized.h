// A checkpoint that another tool quantized. Three parts, the first two ended by line breaks:
// config.json, the header of a safetensors file, its data.
#pragma once

#include "fuzz.h"

namespace qb::fuzz {

// Only what its config says is of that method.
void read_quantized(std::string_view input, std::string_view method);

}  // namespace qb::fuzz
