// A model on disk: one bundle, or a folder that names several networks, each a bundle beside it.
//
//   <root>/<content hash>/model.json   names and content hashes of the networks, in their order
//   <root>/<content hash of each>/     their bundles, as bundle.h has them
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "compression/bundle/bundle.h"

namespace qb::bundle {

struct NetworkFolder {
  std::string name;  // "" of a model's only network
  std::filesystem::path folder;
};

struct NamedBundle {
  std::string name;
  Bundle bundle;
};

// Where the networks' bundles lie; of a model of one network, the folder itself. Errors: bad_input
// for a list that is none or leads elsewhere; what is missing is named.
Result<std::vector<NetworkFolder>> find_networks(const std::filesystem::path& folder);

// All networks, as load_bundle does. Errors: those of both, with the network's name.
Result<std::vector<NamedBundle>> load_model(const std::filesystem::path& folder);

// Reads everything and compares with the content hashes: the list's own and each network's.
Result<void> verify_model(const std::filesystem::path& folder);

// The folder that names these bundles, which lie below `root`; the same ones give the same folder.
// Of one network without a name, its own. Errors: bad_input for names that are empty or not unique.
Result<std::filesystem::path> write_model(const std::filesystem::path& root,
                                          std::span<const NetworkFolder> networks);

}  // namespace qb::bundle
