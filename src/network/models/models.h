// Models: the zoo's, one row each, and the user's own, which architectures.h reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/ir/graph.h"
#include "network/models/preprocessing.h"

namespace qb::models {

struct NamedGraph {
  std::string name;  // "" of a model's only network
  ir::Graph graph;
};

// Where a parameter lies among the tensors of a Hugging Face checkpoint.
struct Origin {
  std::string tensor;
  int64_t first_row = 0;      // where the tensor's rows hold several parameters one after another
  double offset = 0.0;        // is added to every value: a norm's weight may be stored less 1
  bool is_part = false;       // the tensor's other rows are of nothing that is run
  bool is_logarithm = false;  // its exponential is what is used
};

struct Model {
  std::string name;
  std::string summary;
  std::string task = "causal_lm";  // a row of task/task.h
  // Where its weights are: a file below the data folder, or a repository of the hub (ORG/NAME).
  // Both empty: none are known, or synthetic ones are wanted, at the true shapes.
  std::string weights_file;
  std::string repository = "";
  std::string licence = "";    // of the weights, by SPDX's name or its own; empty: synthetic
  int64_t context_tokens = 0;  // of text: that it was trained for
  int64_t image_size_px = 0;   // vision models: side of the input
  // Of a text tower: the token whose vector is the text's, where it comes first; 2, which older
  // files say of all, stands for the largest id of the text.
  int64_t end_token = 0;
  Preprocessing preprocessing = {};  // of its pictures
  std::string picture_problem = {};  // why pictures can't be prepared for it; empty: they can
  std::vector<std::string> class_names = {};  // by id; empty: its files don't tell
  std::function<Result<ir::Graph>()> build;
  // In place of `build`, of a model of several networks: each with a name.
  std::function<Result<std::vector<NamedGraph>>()> build_several;
  // Of parameters that don't lie under their own name, as they are.
  std::map<std::string, Origin, std::less<>> origins;
  // Before the names of tensors of networks that aren't run: of one that sees pictures, say.
  std::vector<std::string> other_networks;
};

// What a model of the user's own is called, by the path of its folder or .gguf: the last part,
// without the ending; of a snapshot in a hub's cache the repository's name.
std::string model_name_of(const std::filesystem::path& path);

// A model with a LoRA adapter on it as one text, as in plans, and in two again; without an adapter
// the second is empty. `adapter` is an absolute path.
std::string with_adapter(std::string_view model, std::string_view adapter);
struct ModelAndAdapter {
  std::string model, adapter;
};
ModelAndAdapter split_adapter(std::string_view source);

// All networks of the model: one without a name, or several.
Result<std::vector<NamedGraph>> build_networks(const Model& model);

// The zoo.
std::span<const Model> models();

// Whether its weights are made up from a seed.
inline bool is_synthetic(const Model& model) {
  return model.weights_file.empty() && model.repository.empty();
}

// A model of the zoo; NAME@synthetic is the same with synthetic weights. An unknown name is an
// error that lists the known ones.
Result<Model> find_model(std::string_view name);

}  // namespace qb::models
