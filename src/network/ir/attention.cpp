#include "network/ir/attention.h"

#include <cmath>

namespace qb::ir {

std::vector<double> RotaryOptions::frequencies() const {
  std::vector<double> all;
  for (int64_t i = 0; i < dims / 2; ++i) {
    const double plain = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dims));
    all.push_back(factors.empty() ? plain : plain / factors[static_cast<size_t>(i)]);
  }
  return all;
}

Attributes attributes_of(const AttentionOptions& options) {
  return {{"head_count", options.head_count},
          {"kv_head_count", options.kv_head_count},
          {"head_dim", options.head_dim},
          {"causal", int64_t{options.causal}}};
}

Attributes attributes_of(const CachedAttentionOptions& options) {
  const RotaryOptions& rotary = options.rotary;
  Attributes attributes = {{"head_count", options.head_count},
                           {"kv_head_count", options.kv_head_count},
                           {"head_dim", options.head_dim},
                           {"rope_theta", rotary.theta}};
  if (rotary.dims != 0 && rotary.dims != options.head_dim)
    attributes.set("rotary_dims", rotary.dims);
  if (!rotary.factors.empty()) attributes.set("rope_factors", rotary.factors);
  if (rotary.magnitude != 1.0) attributes.set("rope_magnitude", rotary.magnitude);
  if (options.scale != 0.0) attributes.set("scale", options.scale);
  if (options.window_tokens != 0) attributes.set("window_tokens", options.window_tokens);
  if (options.softcap != 0.0) attributes.set("softcap", options.softcap);
  return attributes;
}

AttentionOptions attention_options(const Attributes& attributes) {
  return {.head_count = attributes.integer("head_count"),
          .kv_head_count = attributes.integer("kv_head_count"),
          .head_dim = attributes.integer("head_dim"),
          .causal = attributes.integer("causal") != 0};
}

CachedAttentionOptions cached_attention_options(const Attributes& attributes) {
  CachedAttentionOptions options = {.head_count = attributes.integer("head_count"),
                                    .kv_head_count = attributes.integer("kv_head_count"),
                                    .head_dim = attributes.integer("head_dim"),
                                    .scale = attributes.real("scale"),
                                    .window_tokens = attributes.integer("window_tokens"),
                                    .softcap = attributes.real("softcap")};
  if (options.scale == 0.0) options.scale = 1.0 / std::sqrt(static_cast<double>(options.head_dim));
  RotaryOptions& rotary = options.rotary;
  rotary.theta = attributes.real("rope_theta");
  if (rotary.theta <= 0.0) return options;
  rotary.dims = attributes.integer("rotary_dims");
  if (rotary.dims == 0) rotary.dims = options.head_dim;
  const auto factors = attributes.reals("rope_factors");
  rotary.factors.assign(factors.begin(), factors.end());
  if (const double magnitude = attributes.real("rope_magnitude"); magnitude != 0.0)
    rotary.magnitude = magnitude;
  return options;
}

}  // namespace qb::ir
