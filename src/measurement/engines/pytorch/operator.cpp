#include "measurement/engines/pytorch/operator.h"

#include <algorithm>

namespace qb::pytorch {
namespace {

c10::OperatorName operator_name(const std::string& name) {
  const size_t dot = name.find('.');
  return dot == std::string::npos ? c10::OperatorName(name, "")
                                  : c10::OperatorName(name.substr(0, dot), name.substr(dot + 1));
}

// Builds without oneDNN keep some of its schemas, and kernels that throw.
bool computes(const c10::OperatorHandle& handle) {
  const std::string& name = handle.operator_name().name;
  const bool is_of_onednn = name.starts_with("onednn::") || name.starts_with("mkldnn::");
  if (is_of_onednn && !(at::hasMKLDNN() && at::globalContext().userEnabledMkldnn())) return false;
  return handle.hasKernelForAnyDispatchKey(c10::DispatchKeySet(
      {c10::DispatchKey::CPU, c10::DispatchKey::QuantizedCPU, c10::DispatchKey::MkldnnCPU}));
}

}  // namespace

Result<Operator> Operator::find(const std::string& name,
                                const std::map<std::string, c10::IValue>& arguments) {
  const auto handle = c10::Dispatcher::singleton().findSchema(operator_name(name));
  if (!handle || !computes(*handle))
    return fail(Errc::unsupported, "this build of PyTorch {} has no {}", TORCH_VERSION, name);
  const auto& schema = handle->schema().arguments();
  std::vector<c10::IValue> stack;
  for (const c10::Argument& argument : schema) {
    const auto given = arguments.find(argument.name());
    stack.push_back(given != arguments.end()               ? given->second
                    : argument.default_value().has_value() ? *argument.default_value()
                                                           : c10::IValue());
  }
  for (const auto& [argument, value] : arguments)
    if (std::ranges::find(schema, argument, &c10::Argument::name) == schema.end())
      return fail(Errc::unsupported, "{} of PyTorch {} takes no argument {}", name, TORCH_VERSION,
                  argument);
  return Operator(*handle, std::move(stack));
}

size_t Operator::position_of(std::string_view argument) const {
  const auto& schema = handle_.schema().arguments();
  const auto found = std::ranges::find(schema, argument, &c10::Argument::name);
  return static_cast<size_t>(found - schema.begin());
}

c10::IValue Operator::evaluate(Changes changes) const {
  std::vector<c10::IValue> stack = stack_;
  for (const auto& [position, value] : changes) stack[position] = value;
  handle_.callBoxed(&stack);
  return std::move(stack[0]);
}

c10::IValue optional_tensor(const at::Tensor& tensor) {
  return tensor.defined() ? c10::IValue(tensor) : c10::IValue();
}

c10::IValue no_scalars() { return scalars({}); }

c10::IValue scalars(std::initializer_list<double> values) {
  c10::List<std::optional<at::Scalar>> list;
  for (const double value : values) list.push_back(at::Scalar(value));
  return list;
}

}  // namespace qb::pytorch
