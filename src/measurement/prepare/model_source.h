// From a model's name, or the path of the user's own, to its networks and where their weights come
// from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "compression/compress/compress.h"
#include "measurement/prepare/adapter.h"
#include "measurement/prepare/as_is.h"
#include "measurement/prepare/input_order.h"
#include "network/models/models.h"
#include "network/text/definition.h"

namespace qb::prepare {

struct ModelSource {
  models::Model model;
  std::vector<models::NamedGraph> networks;  // one at least
  // Of all networks: parameters are known by their names, so two of one name are the same.
  bundle::ParameterSource parameters;
  std::optional<PlacedAdapter> adapter;  // on these parameters
  GivenSource given;                     // the same as they are stored; empty: synthetic weights
  std::set<std::string> read_in_8_bits;  // of as-is, see as_is.h
  InputOrders input_orders;              // of as-is
  std::string format;       // what another tool stored them as, see as_is.h; "": floats
  std::string weights;      // "pretrained" or "synthetic"
  std::string source_hash;  // content hash of all files that were read, or the seed
  std::optional<text::Definition> tokenizer;
  std::string tokenizer_problem;  // why there is none
};

// Opens the weights of a model of the zoo below `data_folder`; one without any gets seeded
// synthetic ones. An absolute path is a model of the user's own, see checkpoint.h; with an adapter
// on it, it is models::with_adapter. A tokenizer that can't be read is no error. Errors: unknown
// model; weights that set-up should have brought are not there; a bad file; a tensor that is
// missing or has no place.
Result<ModelSource> open_model(std::string_view model, const std::filesystem::path& data_folder);
Result<ModelSource> open_model(const models::Model& model,
                               const std::filesystem::path& data_folder);

// What building the bundles of the model in that scheme takes, for compress::build_model; data for
// calibration is prepared when the scheme needs it and the model has one network.
Result<std::vector<compress::NetworkJob>> bundle_jobs(const ModelSource& source,
                                                      const quant::Scheme& scheme,
                                                      const std::filesystem::path& data_folder,
                                                      const std::filesystem::path& cache_folder);

}  // namespace qb::prepare
