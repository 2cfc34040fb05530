// The weights of a checkpoint as bundles store them, with the checkpoint's own bits.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "measurement/prepare/placement.h"
#include "network/weights/weight_file.h"

namespace qb::prepare {

// One weight at a time: GGUF's blocks, integers in groups and microscaling formats of other tools,
// 16-bit floats. The result is valid until the next call. Errors: unsupported, what bundles have no
// layout for, or no framework a kernel, with the tensor's name.
using GivenSource = std::function<Result<bundle::Stored>(const ir::ValueInfo&)>;
GivenSource given_source(std::shared_ptr<const weights::WeightFile> file, Placement placement);

// The parameters whose inputs the checkpoint's tool meant to be rounded to 8 bits, by token.
std::set<std::string> read_in_8_bits(const Placement& placement);

// What the matrices of a placement are stored as: "gptq-w4g128s", "Q4_1, Q6_K"; "" when all are
// floats of 16 bits and more.
std::string stored_format(const Placement& placement);

}  // namespace qb::prepare
