// 8-bit codes of activations, by PyTorch's own operators of its quantized type. (Division,
// rounding, clamping and conversion one after another take up to ten times as long and more.) The
// bytes are those of the quantized tensor: no copy is made between the two.
#include <ATen/quantized/Quantizer.h>

#include "measurement/engines/pytorch/lowering.h"
#include "measurement/engines/pytorch/operator.h"

namespace qb::pytorch {

at::Tensor bytes_of(const at::Tensor& quantized) {
  return at::from_blob(
      quantized.data_ptr(), quantized.sizes(), quantized.strides(), [quantized](void*) {},
      at::TensorOptions().dtype(at::kByte));
}

at::Tensor quantized_of(const at::Tensor& codes, const quant::ActivationFit& fit) {
  return at::from_blob_quantized_per_tensor_affine(
      codes.data_ptr(), codes.sizes(), codes.strides(), [codes](void*) {}, fit.scale,
      fit.zero_point, at::TensorOptions().dtype(at::kQUInt8));
}

// quantize_per_tensor adds the zero point before it rounds to even: at odd ones a value halfway
// between two codes would become the other one, so these are rounded step by step.
at::Tensor to_codes(const at::Tensor& x, const quant::ActivationFit& fit) {
  if (fit.zero_point % 2 == 0)
    return bytes_of(at::quantize_per_tensor(x, fit.scale, fit.zero_point, at::kQUInt8));
  return at::div(x, fit.scale).round_().add_(fit.zero_point).clamp_(0, 255).to(at::kByte);
}

at::Tensor from_codes(const at::Tensor& codes, const quant::ActivationFit& fit) {
  return at::dequantize(quantized_of(codes, fit));
}

Result<void> lower_integer_add(Lowering& l, const ir::Node& node) {
  const Codes a = l.measured_codes(node.inputs[0]);
  const Codes b = l.measured_codes(node.inputs[1]);
  const Codes y = l.claim_codes(l.rectified(node.output));
  QB_TRY(
      const Operator op,
      Operator::find("quantized::add", {{"scale", static_cast<double>(y.fit.scale)},
                                        {"zero_point", static_cast<int64_t>(y.fit.zero_point)}}));
  const size_t first = op.position_of("qa");
  const size_t second = op.position_of("qb");
  l.add_step({a.slot, b.slot}, [=](Frame& frame) {
    frame.slots[y.slot] = bytes_of(op.call({{first, quantized_of(frame.slots[a.slot], a.fit)},
                                            {second, quantized_of(frame.slots[b.slot], b.fit)}}));
  });
  l.note("add", "quantized::add of u8 codes");
  l.count("quantized::add");
  return {};
}

}  // namespace qb::pytorch
