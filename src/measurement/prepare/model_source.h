// From a model's name to its graph and where its weights come from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "compression/bundle/bundle.h"
#include "compression/compress/compress.h"
#include "network/models/models.h"
#include "network/text/tokenizer.h"

namespace qb::prepare {

struct ModelSource {
  models::Model model;
  ir::Graph graph;
  bundle::ParameterSource parameters;
  std::string weights;      // "pretrained" or "synthetic"
  std::string source_hash;  // content hash of the weight file, or the seed
  std::optional<text::BpeDefinition> tokenizer;
};

// Opens the model's weights below `data_folder`; a model without any gets seeded synthetic ones.
// Errors: unknown model; weights that set-up should have brought are not there; a bad file.
Result<ModelSource> open_model(std::string_view name, const std::filesystem::path& data_folder);

// What building the bundle of the model in that scheme takes; data for calibration is prepared when
// the scheme needs it.
Result<compress::Job> bundle_job(const ModelSource& source, const quant::Scheme& scheme,
                                 const std::filesystem::path& data_folder,
                                 const std::filesystem::path& cache_folder);

}  // namespace qb::prepare
