// What models of the user's own may be: a row for each architecture whose config.json is read.
#pragma once

#include <span>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "network/models/config.h"
#include "network/models/models.h"

namespace qb::models {

struct Architecture {
  std::string_view class_name;  // in config.json
  std::string_view gguf_name;   // general.architecture; empty: of another row
  Result<Model> (*read)(Config config);
};

std::span<const Architecture> architectures();

// The model that a config.json describes, without name and weights. Errors: an architecture that
// isn't known, by its name; a field that is missing, wrong or isn't followed.
Result<Model> read_model(const Json& config);

// Of the architectures' files.
Result<Model> read_llama(Config config);
Result<Model> read_mistral(Config config);
Result<Model> read_qwen2(Config config);
Result<Model> read_qwen3(Config config);
Result<Model> read_phi(Config config);
Result<Model> read_phi3(Config config);
Result<Model> read_gemma3(Config config);
Result<Model> read_gemma3_with_pictures(Config config);
Result<Model> read_bert(Config config);
Result<Model> read_resnet(Config config);
Result<Model> read_timm_resnet(Config config);
Result<Model> read_vit(Config config);
Result<Model> read_timm_vit(Config config);
Result<Model> read_clip(Config config);
Result<Model> read_efficientnet(Config config);
Result<Model> read_timm_efficientnet(Config config);
Result<Model> read_timm_mobilenetv3(Config config);
// The windows that Qwen's models may have.
std::vector<int64_t> qwen_windows(Config& config, int64_t layer_count);

}  // namespace qb::models
