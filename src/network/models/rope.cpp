#include "network/models/rope.h"

namespace qb::models {
namespace {

constexpr double default_theta = 10000.0;

}  // namespace

double rope_theta_of(Config& config) {
  const bool is_new = config["rope_parameters"].is_object();
  const Json& scaling = config[is_new ? "rope_parameters" : "rope_scaling"];
  const Json& type = scaling[scaling.contains("rope_type") ? "rope_type" : "type"];
  if (!scaling.is_null() && type != Json("default"))
    config.fail_with(
        {Errc::unsupported, fmt::format("rope_type {} is not followed", dump_json(type))});
  if (!is_new) return config.positive("rope_theta", default_theta);
  Config parameters(scaling);
  const double theta = parameters.positive("rope_theta", default_theta);
  if (const auto checked = parameters.check(); !checked) config.fail_with(checked.error());
  return theta;
}

}  // namespace qb::models
