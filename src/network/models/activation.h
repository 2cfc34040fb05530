// The activations that networks of the Hugging Face hub name in their configurations.
#pragma once

#include <cstdint>
#include <string_view>

#include "network/ir/builder.h"
#include "network/models/config.h"

namespace qb::models {

enum class Activation : uint8_t { gelu, gelu_tanh, quick_gelu, relu, silu };

// Error: one that isn't followed, by its name.
Activation read_activation(Config& config, std::string_view key, std::string_view otherwise);

ir::Value activate(ir::Builder& b, ir::Value x, Activation activation);

}  // namespace qb::models
