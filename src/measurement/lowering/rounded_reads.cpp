#include "measurement/lowering/rounded_reads.h"

namespace qb::lowering {

bundle::Activation rounding_of(const bundle::Bundle& bundle, ir::Value value) {
  const bundle::Activation own = bundle.activation(value);
  if (own.mode != quant::Activations::none) return own;
  const ir::Node* producer = bundle.graph().producer_of(value);
  const bool is_flattened = producer && producer->op == ir::Op::flatten;
  return is_flattened ? bundle.activation(producer->inputs[0]) : own;
}

const ir::Node* absorbed_rectifier(const bundle::Bundle& bundle, ir::Value value) {
  const ir::Node* reader = bundle.graph().only_reader(value);
  if (!reader || !ir::is_rectifier(reader->op)) return nullptr;
  const bundle::Activation activation = bundle.activation(reader->output);
  const float end = static_cast<float>(255 - activation.fit.zero_point) * activation.fit.scale;
  const bool ends_in_time = reader->op == ir::Op::relu || end <= 6.0f * (1.0f + 1e-6f);
  const bool fits = activation.mode == quant::Activations::measured &&
                    activation.fit.zero_point == 0 && ends_in_time;
  return fits ? reader : nullptr;
}

}  // namespace qb::lowering
