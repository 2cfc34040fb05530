#include "network/models/transformer.h"

#include "network/models/decoder.h"

namespace qb::models {

void check_sizes(Config& config, const TransformerSizes& sizes) {
  constexpr int64_t layer_count_max = 4096;
  if (sizes.layer_count > layer_count_max)
    config.fail_with({Errc::bad_input, fmt::format("there are {} layers, {} are the most",
                                                   sizes.layer_count, layer_count_max)});
  if (sizes.width % sizes.head_count != 0)
    config.fail_with({Errc::bad_input, fmt::format("{} heads can't share a width of {}",
                                                   sizes.head_count, sizes.width)});
}

ir::Value transformer_block(ir::Builder& b, ir::Value x, const TransformerSizes& sizes,
                            const TransformerNames& names, const std::string& prefix) {
  const int64_t width = sizes.width;
  const auto projected = [&](ir::Value value, const char* name, bool has_bias) {
    return project(b, value, prefix + name, width, width, has_bias);
  };
  const ir::Value h = b.layer_norm(x, prefix + names.first_norm, sizes.layer_norm_eps);
  const ir::Value attended =
      b.attention(projected(h, names.q, sizes.qkv_biases), projected(h, names.k, sizes.qkv_biases),
                  projected(h, names.v, sizes.qkv_biases),
                  {.head_count = sizes.head_count,
                   .kv_head_count = sizes.head_count,
                   .head_dim = width / sizes.head_count,
                   .causal = sizes.is_causal});
  x = b.add(x, projected(attended, names.output, true));
  const ir::Value second = b.layer_norm(x, prefix + names.second_norm, sizes.layer_norm_eps);
  const ir::Value wide = project(b, second, prefix + names.widening, sizes.ffn_width, width, true);
  return b.add(x, project(b, activate(b, wide, sizes.activation), prefix + names.narrowing, width,
                          sizes.ffn_width, true));
}

}  // namespace qb::models
