#include "network/models/timm.h"

#include <algorithm>

#include "network/models/architectures.h"
#include "network/models/picture_model.h"

namespace qb::models {
namespace {

// By the beginning of the name; the reader knows which of them there are.
struct Family {
  std::string_view prefix;
  Result<Model> (*read)(Config config);
};
constexpr Family families[] = {
    {"resnet", read_timm_resnet},
    {"vit_", read_timm_vit},
    {"efficientnet_", read_timm_efficientnet},
    {"tf_efficientnet_", read_timm_efficientnet},
    {"mobilenetv3_", read_timm_mobilenetv3},
    {"tf_mobilenetv3_", read_timm_mobilenetv3},
};

}  // namespace

std::string known_of_timm() {
  std::string names;
  for (const Family& family : families)
    names += fmt::format("{}{}…", names.empty() ? "" : " ", family.prefix);
  return names;
}

Result<Model> read_timm(const Json& config) {
  const std::string& name = config["architecture"].as_string();
  const auto family = std::ranges::find_if(
      families, [&](const Family& row) { return name.starts_with(row.prefix); });
  if (family == std::end(families)) return unknown_timm(name);
  return family->read(Config(config));
}

}  // namespace qb::models
