// The networks of a model, each with its session.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "measurement/worker/engine.h"

namespace qb::worker {

struct Network {
  std::string name;  // "" of a model's only one
  // Stays where it is: the session reads it.
  std::unique_ptr<const bundle::Bundle> bundle;
  std::unique_ptr<Session> session;  // null until compiled

  // Of the last run, by its name in the graph. Errors: bad_input, lists the names there are.
  Result<TensorView> output(std::string_view output_name) const;
};

// Of a bundle's or a model's folder. Errors: as of bundle::load_model.
Result<std::vector<Network>> load_networks(const std::filesystem::path& folder);

// One session each. Errors: as of Engine::compile, with the network's name.
Result<void> compile_networks(Engine& engine, const CompileOptions& options,
                              std::span<Network> networks);

// Errors: bad_input, lists the names there are.
Result<const Network*> find_network(std::span<const Network> networks, std::string_view name);

}  // namespace qb::worker
