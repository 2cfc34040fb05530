// TorchScript programs.
#include <torch/script.h>

#include <filesystem>

#include "engines/pytorch/model_file.h"

namespace qb::pytorch {
namespace {

// A tensor, or the number that a scalar argument takes: rank 0 of any type.
Result<c10::IValue> argument_of(const at::Tensor& tensor, const c10::Argument& argument) {
  const c10::TypeKind kind = argument.type()->kind();
  const bool is_number = kind == c10::TypeKind::IntType || kind == c10::TypeKind::FloatType ||
                         kind == c10::TypeKind::BoolType || kind == c10::TypeKind::NumberType;
  if (!is_number) return c10::IValue(tensor);
  if (tensor.dim() != 0)
    return fail(Errc::bad_input, "input {} is a number: give it as {}=scalar:TYPE:VALUE",
                argument.name(), argument.name());
  if (kind == c10::TypeKind::IntType) return c10::IValue(tensor.item<int64_t>());
  if (kind == c10::TypeKind::FloatType) return c10::IValue(tensor.item<double>());
  if (kind == c10::TypeKind::BoolType) return c10::IValue(tensor.item<bool>());
  return c10::IValue(tensor.item());
}

Result<void> append_outputs(const c10::IValue& value, std::vector<at::Tensor>& outputs) {
  if (value.isTensor()) {
    outputs.push_back(value.toTensor());
  } else if (value.isTuple()) {
    for (const c10::IValue& element : value.toTupleRef().elements())
      QB_CHECK(append_outputs(element, outputs));
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) QB_CHECK(append_outputs(element, outputs));
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict())
      QB_CHECK(append_outputs(entry.value(), outputs));
  } else if (!value.isNone()) {
    return fail(Errc::unsupported, "it gives a {}: qbench takes tensors only", value.tagKind());
  }
  return {};
}

}  // namespace

Result<ModelFile> load_torchscript(const std::string& path) try {
  torch::jit::Module module = torch::jit::load(path, at::kCPU);
  module.eval();
  const auto method = module.find_method("forward");
  if (!method) return fail(Errc::bad_input, "has no forward()");
  const std::vector<c10::Argument> all = method->function().getSchema().arguments();
  const std::vector<c10::Argument> arguments(all.begin() + 1, all.end());  // without self
  ModelFile file = {.input_count_max = arguments.size(), .compute_type = "TorchScript"};
  for (const c10::Argument& argument : arguments) {
    file.input_names.push_back(argument.name());
    file.input_count_min += !argument.default_value().has_value();
  }
  file.forward =
      [module, arguments](
          const std::vector<at::Tensor>& inputs) mutable -> Result<std::vector<at::Tensor>> {
    std::vector<c10::IValue> values;
    for (size_t i = 0; i < inputs.size(); ++i) {
      QB_TRY(c10::IValue value, argument_of(inputs[i], arguments[i]));
      values.push_back(std::move(value));
    }
    std::vector<at::Tensor> outputs;
    QB_CHECK(append_outputs(module.forward(std::move(values)), outputs));
    return outputs;
  };
  return file;
} catch (const std::exception& error) {
  const std::string text = error.what();
  const std::string name = std::filesystem::path(path).filename().string();
  if (text.find("constants.pkl") != std::string::npos || text.find("PytorchStreamReader") == 0)
    return fail(Errc::bad_input,
                "{}: holds no TorchScript program. What torch.save writes is a pickle, which is "
                "code that qbench doesn't run: save torch.jit.trace(model, inputs) or export .onnx",
                name);
  return fail(Errc::framework_failed, "{}: PyTorch: {}", name, text.substr(0, text.find('\n')));
}

}  // namespace qb::pytorch
