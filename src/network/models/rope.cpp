#include "network/models/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace qb::models {
namespace {

// "llama3" (transformers' modeling_rope_utils): waves longer than the original context over
// low_freq_factor are stretched, short ones stay, between the two it fades.
std::vector<double> llama3_factors(Config& scaling, const std::vector<double>& frequencies) {
  const double factor = scaling.positive("factor");
  const double low = scaling.positive("low_freq_factor");
  const double high = scaling.positive("high_freq_factor");
  const double original = scaling.positive("original_max_position_embeddings");
  std::vector<double> factors;
  for (const double frequency : frequencies) {
    const double wave_tokens = 2.0 * std::numbers::pi / frequency;
    const double kept = std::clamp((original / wave_tokens - low) / (high - low), 0.0, 1.0);
    factors.push_back(1.0 / ((1.0 - kept) / factor + kept));
  }
  return factors;
}

std::vector<double> listed_factors(Config& scaling, std::string_view key, size_t count) {
  std::vector<double> factors;
  for (const Json& factor : scaling[key].as_array()) factors.push_back(factor.as_double());
  if (factors.size() != count ||
      std::ranges::any_of(factors, [](double factor) { return !(factor > 0.0); }))
    scaling.fail_with({Errc::bad_input, fmt::format("{} is no list of {} factors", key, count)});
  return factors;
}

// "longrope" (Ding et al. 2024) within the original context.
void read_longrope(Config& config, Config& scaling, size_t count, Rope& rope) {
  const int64_t context = config.size("max_position_embeddings");
  Config& place = scaling.contains("original_max_position_embeddings")
                      ? scaling
                      : config;  // as of 5, or before
  const int64_t original = place.size("original_max_position_embeddings");
  if (original < 2)
    place.fail_with({Errc::bad_input, "original_max_position_embeddings is less than 2"});
  const double growth = static_cast<double>(context) / static_cast<double>(original);
  const double magnitude =
      growth <= 1.0 ? 1.0
                    : std::sqrt(1.0 + std::log(growth) / std::log(static_cast<double>(original)));
  rope.options.factors = listed_factors(scaling, "short_factor", count);
  rope.options.magnitude = scaling.positive("attention_factor", magnitude);
  rope.context_tokens = std::min(context, original);
}

}  // namespace

Rope rope_of(Config& config, const Json& scaling, double theta, int64_t rotary_dims) {
  Rope rope = {.options = {.theta = theta, .dims = rotary_dims}};
  const std::vector<double> frequencies = rope.options.frequencies();
  if (scaling.is_null()) return rope;
  Config fields(scaling);
  const std::string type =
      fields.text(scaling.contains("rope_type") ? "rope_type" : "type", "default");
  if (type == "linear")
    rope.options.factors.assign(frequencies.size(), fields.positive("factor"));
  else if (type == "llama3")
    rope.options.factors = llama3_factors(fields, frequencies);
  else if (type == "longrope" || type == "su")
    read_longrope(config, fields, frequencies.size(), rope);
  else if (type == "listed")  // qbench's own word: of a GGUF
    rope.options.factors = listed_factors(fields, "factors", frequencies.size());
  else if (type != "default")
    fields.fail_with({Errc::unsupported, fmt::format("rope_type \"{}\" is not followed", type)});
  if (const auto checked = fields.check(); !checked) config.fail_with(checked.error());
  return rope;
}

Rope read_rope(Config& config, int64_t head_dim, double rotated_share) {
  constexpr double default_theta = 10000.0;
  const bool is_new = config["rope_parameters"].is_object();
  const Json& scaling = config[is_new ? "rope_parameters" : "rope_scaling"];
  Config parameters(scaling);
  Config& place = is_new ? parameters : config;
  const double theta = place.positive("rope_theta", config.positive("rope_theta", default_theta));
  const double share = place.positive("partial_rotary_factor", rotated_share);
  const auto rotary_dims = static_cast<int64_t>(static_cast<double>(head_dim) * share + 1e-9);
  if (const auto checked = parameters.check(); !checked) config.fail_with(checked.error());
  if (rotary_dims < 2 || rotary_dims > head_dim || rotary_dims % 2 != 0) {
    config.fail_with({Errc::bad_input,
                      fmt::format("{} of a head's {} values can't turn", rotary_dims, head_dim)});
    return {};
  }
  return rope_of(config, scaling, theta, rotary_dims);
}

}  // namespace qb::models
