// PyTorch's operators that have no C++ functions, oneDNN's and quantized ones: called through the
// dispatcher, their arguments by the names of their schemas.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "measurement/engines/pytorch/aten.h"

namespace qb::pytorch {

class Operator {
 public:
  // Arguments that every call has; those not given are the schema's defaults, or none. Errors:
  // unsupported, when this build of PyTorch has no such operator (a schema alone isn't one), or it
  // takes other arguments. `name` may have an overload: "quantized::conv2d.new".
  static Result<Operator> find(const std::string& name,
                               const std::map<std::string, c10::IValue>& arguments);

  // The position of an argument that differs from call to call.
  size_t position_of(std::string_view argument) const;
  using Changes = std::initializer_list<std::pair<size_t, c10::IValue>>;
  at::Tensor call(Changes changes) const { return evaluate(changes).toTensor(); }
  // Of operators that give something else than a tensor.
  c10::IValue evaluate(Changes changes) const;

 private:
  Operator(c10::OperatorHandle handle, std::vector<c10::IValue> stack)
      : handle_(std::move(handle)), stack_(std::move(stack)) {}
  c10::OperatorHandle handle_;
  std::vector<c10::IValue> stack_;
};

// None for an undefined tensor.
c10::IValue optional_tensor(const at::Tensor& tensor);
// A list of no scalars, for operators that take arguments of a fused one.
c10::IValue no_scalars();
c10::IValue scalars(std::initializer_list<double> values);

}  // namespace qb::pytorch
