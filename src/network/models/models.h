// The zoo: one row a model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/ir/graph.h"

namespace qb::models {

struct NamedGraph {
  std::string name;  // "" of a model's only network
  ir::Graph graph;
};

struct Model {
  std::string_view name;
  std::string_view summary;
  std::string_view task = "causal_lm";  // a row of task/task.h
  // Weights below the data folder; empty: none known, synthetic weights at the true shapes.
  std::string_view weights_file;
  int64_t context_tokens = 0;  // language models: that it was trained for
  int64_t image_size_px = 0;   // vision models: side of the input
  Result<ir::Graph> (*build)();
  // In place of `build`, of a model of several networks: each with a name.
  Result<std::vector<NamedGraph>> (*build_several)() = nullptr;
};

// All networks of the model: one without a name, or several.
Result<std::vector<NamedGraph>> build_networks(const Model& model);

std::span<const Model> models();

// An unknown name is an error that lists the known ones.
Result<Model> find_model(std::string_view name);

}  // namespace qb::models
