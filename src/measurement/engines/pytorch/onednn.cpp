#include "measurement/engines/pytorch/onednn.h"

#include <algorithm>

namespace qb::pytorch {

Result<OnednnOperator> OnednnOperator::find(const std::string& name,
                                            const std::map<std::string, c10::IValue>& arguments) {
  const auto handle = c10::Dispatcher::singleton().findSchema({name, ""});
  if (!handle) return fail(Errc::unsupported, "PyTorch {} has no operator {}", TORCH_VERSION, name);
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
  return OnednnOperator(*handle, std::move(stack));
}

size_t OnednnOperator::position_of(std::string_view argument) const {
  const auto& schema = handle_.schema().arguments();
  const auto found = std::ranges::find(schema, argument, &c10::Argument::name);
  return static_cast<size_t>(found - schema.begin());
}

at::Tensor OnednnOperator::call(
    std::initializer_list<std::pair<size_t, c10::IValue>> changes) const {
  std::vector<c10::IValue> stack = stack_;
  for (const auto& [position, value] : changes) stack[position] = value;
  handle_.callBoxed(&stack);
  return std::move(stack[0]).toTensor();
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
