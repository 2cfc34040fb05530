// The shape that an operator gives, or an error in its words. `inputs` are as many as its row says;
// a new operator takes one of these rules where it can.
#pragma once

#include <span>

#include "base/result.h"
#include "network/ir/attributes.h"
#include "network/ir/shape.h"

namespace qb::ir {

Result<Shape> infer_same_as_input(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_reorder(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_embedding(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_linear(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_conv2d(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_batch_norm(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_norm(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_cached_attention(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_attention(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_broadcast(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_select_positions(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_global_average_pool(std::span<const Shape> inputs,
                                        const Attributes& attributes);
Result<Shape> infer_max_pool(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_to_tokens(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_prepend_token(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_add_positions(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_mean_tokens(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_pick_tokens(std::span<const Shape> inputs, const Attributes& attributes);
Result<Shape> infer_flatten(std::span<const Shape> inputs, const Attributes& attributes);

}  // namespace qb::ir
