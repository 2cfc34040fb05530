// The operators of the IR: a name in Op and a row each, all that the IR knows of it. A
// network-level operator enters only if a model needs it and it can't be composed from the others.
#pragma once

#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include "base/result.h"
#include "network/ir/attributes.h"
#include "network/ir/shape.h"
#include "network/ir/shape_rules.h"

namespace qb::ir {

enum class Op : uint8_t {
  embedding,         // tokens i64 [batch, sequence], weight [vocabulary, width]
  linear,            // x [..., in], weight [out, in], optional bias [out]
  conv2d,            // x NCHW, weight [out, in / group_count, height, width], optional bias [out]
  batch_norm,        // x NCHW, then scale, bias, mean, variance [channels]
  rms_norm,          // x [..., width], weight [width or a part of it: see normalisations]
  cached_attention,  // q, k, v [batch, sequence, heads * head_dim], key_cache, value_cache; causal
  add,               // numpy broadcasting
  multiply,          // numpy broadcasting
  silu,              // x * sigmoid(x)
  sigmoid,
  relu6,                // min(max(x, 0), 6)
  select_positions,     // x [batch, sequence, width], positions i64 [selected]
  global_average_pool,  // NCHW to [N, C, 1, 1]
  flatten,              // [batch, a, b, c] to [batch, a * b * c]
  attention,            // q [batch, a, heads * head_dim]; k, v [batch, b, kv heads * head_dim];
                        // optional mask i64 [batch, b]: 0 hides a key from all
  layer_norm,           // x [..., width], weight and bias as rms_norm's weight
  relu,                 // max(x, 0)
  gelu,                 // x * Phi(x), Phi the normal distribution (Hendrycks and Gimpel 2016)
  gelu_tanh,            // its approximation by tanh, in the same paper
  tanh,
  hard_swish,     // x * relu6(x + 3) / 6 (Howard et al. 2019)
  hard_sigmoid,   // relu6(x + 3) / 6
  scale,          // x * factor
  max_pool,       // NCHW; padding is below every value
  to_tokens,      // NCHW to [batch, height * width, channels]
  prepend_token,  // x [batch, tokens, width], token [width]: it comes first
  add_positions,  // x [batch, tokens, width], table [rows, width]: token i gets row i
  mean_tokens,    // x [batch, tokens, width], optional mask i64 [batch, tokens]: 0 leaves one out;
                  // to [batch, width]
  pick_tokens,    // x [batch, tokens, width], optional position i64 [batch], else 0;
                  // to [batch, width]
  l2_normalize,   // x / max(|x|, 1e-12) along the last dimension
  reorder,        // x [..., width]: value i of the last dimension is x's order[i]
  end,            // no operator: how many there are
};

struct OperatorRow {
  Op op;
  std::string_view name;
  size_t input_count = 1;
  size_t optional_input_count = 0;  // trailing
  // Index of the input whose parameter a scheme may quantize; -1: none.
  int quantizable_input = -1;
  // The caches it reads and writes in place are its last inputs; 0: it has no state.
  size_t state_count = 0;
  std::span<const AttributeRow> attributes = {};
  // The output's shape, or an error in the words of the operator.
  Result<Shape> (*infer_shape)(std::span<const Shape> inputs, const Attributes& attributes);
};

// Normalisations take a weight as wide as x, or one that fits into that width several times: each
// stretch is then normalised by itself (heads, where the weight has a head's width).
inline constexpr AttributeRow epsilon_attribute[] = {{"epsilon", AttributeKind::real}};
inline constexpr AttributeRow conv2d_attributes[] = {
    {"stride", AttributeKind::integers},       // down, right
    {"padding", AttributeKind::integers},      // top, left, bottom, right
    {"group_count", AttributeKind::integer}};  // input channels: depthwise
inline constexpr AttributeRow scale_attributes[] = {{"factor", AttributeKind::real}};
inline constexpr AttributeRow reorder_attributes[] = {{"order", AttributeKind::integers}};
inline constexpr AttributeRow max_pool_attributes[] = {
    {"kernel", AttributeKind::integers},    // down, right
    {"stride", AttributeKind::integers},    // down, right
    {"padding", AttributeKind::integers}};  // top, left, bottom, right
inline constexpr AttributeRow attention_attributes[] = {
    {"head_count", AttributeKind::integer},
    {"kv_head_count", AttributeKind::integer},
    {"head_dim", AttributeKind::integer},
    {"causal", AttributeKind::integer}};  // 1: token i sees tokens 0 to i; 0: all see all
inline constexpr AttributeRow cached_attention_attributes[] = {
    {"head_count", AttributeKind::integer},
    {"kv_head_count", AttributeKind::integer},
    {"head_dim", AttributeKind::integer},
    // Rotary embedding (Su et al. 2021) of q and k by absolute position p: the pairs (x_i, x_(i +
    // r/2)) of a head's first r values turn by p * theta^(-2i/r) / factor_i, and are then
    // multiplied by the magnitude. Part of this operator since only the cache knows the position.
    {"rope_theta", AttributeKind::real},              // 0: no rotary embedding
    {"rotary_dims", AttributeKind::integer, true},    // r; 0: head_dim
    {"rope_factors", AttributeKind::reals, true},     // r/2 of them; empty: 1
    {"rope_magnitude", AttributeKind::real, true},    // 0: 1
    {"scale", AttributeKind::real, true},             // of q k^T; 0: 1 / sqrt(head_dim)
    {"window_tokens", AttributeKind::integer, true},  // that a token sees, itself one; 0: all
    {"softcap", AttributeKind::real, true}};          // c: scores are c tanh(score / c); 0: none

inline constexpr OperatorRow operator_rows[] = {
    {.op = Op::embedding,
     .name = "embedding",
     .input_count = 2,
     .quantizable_input = 1,
     .infer_shape = infer_embedding},
    {.op = Op::linear,
     .name = "linear",
     .input_count = 2,
     .optional_input_count = 1,
     .quantizable_input = 1,
     .infer_shape = infer_linear},
    {.op = Op::conv2d,
     .name = "conv2d",
     .input_count = 2,
     .optional_input_count = 1,
     .quantizable_input = 1,
     .attributes = conv2d_attributes,
     .infer_shape = infer_conv2d},
    {.op = Op::batch_norm,
     .name = "batch_norm",
     .input_count = 5,
     .attributes = epsilon_attribute,
     .infer_shape = infer_batch_norm},
    {.op = Op::rms_norm,
     .name = "rms_norm",
     .input_count = 2,
     .attributes = epsilon_attribute,
     .infer_shape = infer_norm},
    {.op = Op::cached_attention,
     .name = "cached_attention",
     .input_count = 5,
     .state_count = 2,
     .attributes = cached_attention_attributes,
     .infer_shape = infer_cached_attention},
    {.op = Op::add, .name = "add", .input_count = 2, .infer_shape = infer_broadcast},
    {.op = Op::multiply, .name = "multiply", .input_count = 2, .infer_shape = infer_broadcast},
    {.op = Op::silu, .name = "silu", .infer_shape = infer_same_as_input},
    {.op = Op::sigmoid, .name = "sigmoid", .infer_shape = infer_same_as_input},
    {.op = Op::relu6, .name = "relu6", .infer_shape = infer_same_as_input},
    {.op = Op::select_positions,
     .name = "select_positions",
     .input_count = 2,
     .infer_shape = infer_select_positions},
    {.op = Op::global_average_pool,
     .name = "global_average_pool",
     .infer_shape = infer_global_average_pool},
    {.op = Op::flatten, .name = "flatten", .infer_shape = infer_flatten},
    {.op = Op::attention,
     .name = "attention",
     .input_count = 3,
     .optional_input_count = 1,
     .attributes = attention_attributes,
     .infer_shape = infer_attention},
    {.op = Op::layer_norm,
     .name = "layer_norm",
     .input_count = 3,
     .attributes = epsilon_attribute,
     .infer_shape = infer_norm},
    {.op = Op::relu, .name = "relu", .infer_shape = infer_same_as_input},
    {.op = Op::gelu, .name = "gelu", .infer_shape = infer_same_as_input},
    {.op = Op::gelu_tanh, .name = "gelu_tanh", .infer_shape = infer_same_as_input},
    {.op = Op::tanh, .name = "tanh", .infer_shape = infer_same_as_input},
    {.op = Op::hard_swish, .name = "hard_swish", .infer_shape = infer_same_as_input},
    {.op = Op::hard_sigmoid, .name = "hard_sigmoid", .infer_shape = infer_same_as_input},
    {.op = Op::scale,
     .name = "scale",
     .attributes = scale_attributes,
     .infer_shape = infer_same_as_input},
    {.op = Op::max_pool,
     .name = "max_pool",
     .attributes = max_pool_attributes,
     .infer_shape = infer_max_pool},
    {.op = Op::to_tokens, .name = "to_tokens", .infer_shape = infer_to_tokens},
    {.op = Op::prepend_token,
     .name = "prepend_token",
     .input_count = 2,
     .infer_shape = infer_prepend_token},
    {.op = Op::add_positions,
     .name = "add_positions",
     .input_count = 2,
     .infer_shape = infer_add_positions},
    {.op = Op::mean_tokens,
     .name = "mean_tokens",
     .optional_input_count = 1,
     .infer_shape = infer_mean_tokens},
    {.op = Op::pick_tokens,
     .name = "pick_tokens",
     .optional_input_count = 1,
     .infer_shape = infer_pick_tokens},
    {.op = Op::l2_normalize, .name = "l2_normalize", .infer_shape = infer_same_as_input},
    {.op = Op::reorder,
     .name = "reorder",
     .attributes = reorder_attributes,
     .infer_shape = infer_reorder},
};

static_assert(
    [] {
      for (size_t i = 0; i < std::size(operator_rows); ++i)
        if (static_cast<size_t>(operator_rows[i].op) != i) return false;
      return std::size(operator_rows) == static_cast<size_t>(Op::end);
    }(),
    "the rows stand in the order of Op, one for each");

constexpr std::span<const OperatorRow> operators() { return operator_rows; }
constexpr const OperatorRow& row_of(Op op) { return operator_rows[static_cast<size_t>(op)]; }
constexpr std::string_view name_of(Op op) { return row_of(op).name; }
// max(x, 0), and perhaps an upper end: what codes that begin at 0 do by themselves.
constexpr bool is_rectifier(Op op) { return op == Op::relu || op == Op::relu6; }
// Errors: more or fewer inputs than the row takes.
Result<void> verify_input_count(const OperatorRow& row, size_t count);
// The row's shape for inputs whose number is checked first.
Result<Shape> infer_shape(Op op, std::span<const Shape> inputs, const Attributes& attributes);
Result<Op> parse_op(std::string_view name);

}  // namespace qb::ir
