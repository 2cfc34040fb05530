// Which other files an ONNX model reads, found before ONNX Runtime is given the model: a hostile
// one may name any file of the machine as its weights.
#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>

#include "base/result.h"

namespace qb::ort {

// The locations of external data of every tensor in a serialized ModelProto: initializers, sparse
// initializers and attributes, in the graph, its subgraphs, functions and training information.
// Error: bytes that are no well-formed message, or nested deeper than any real model.
Result<std::set<std::string>> find_external_locations(std::span<const std::byte> model);

// The same of a file; each location must name a regular file in the model's folder: no absolute
// path, no "..", no link that leads out of it. (Where the model itself is a link, the folder of
// what it links to counts as well: caches keep files so.) Errors name model and location.
Result<std::set<std::string>> check_external_data(const std::filesystem::path& model_file);

}  // namespace qb::ort
