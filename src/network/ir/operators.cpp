#include "network/ir/operators.h"

namespace qb::ir {

Result<void> verify_input_count(const OperatorRow& row, size_t count) {
  if (count < row.input_count || count > row.input_count + row.optional_input_count)
    return fail(Errc::invalid_graph, "takes {} inputs, has {}", row.input_count, count);
  return {};
}

Result<Shape> infer_shape(Op op, std::span<const Shape> inputs, const Attributes& attributes) {
  QB_CHECK(verify_input_count(row_of(op), inputs.size()));
  return row_of(op).infer_shape(inputs, attributes);
}

Result<Op> parse_op(std::string_view name) {
  for (const OperatorRow& row : operators())
    if (row.name == name) return row.op;
  return fail(Errc::invalid_graph, "unknown operator \"{}\"", name);
}

}  // namespace qb::ir
