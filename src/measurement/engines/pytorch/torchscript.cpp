// TorchScript programs.
#include <torch/script.h>

#include <filesystem>

#include "measurement/engines/pytorch/failure.h"
#include "measurement/engines/pytorch/model_file.h"

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

// `name`: the key that leads to the value; of dictionaries in dictionaries "outer.inner".
Result<void> append_outputs(const c10::IValue& value, const std::string& name,
                            ModelOutputs& outputs) {
  if (value.isTensor()) {
    outputs.tensors.push_back(value.toTensor());
    outputs.names.push_back(name);
  } else if (value.isTuple()) {
    for (const c10::IValue& element : value.toTupleRef().elements())
      QB_CHECK(append_outputs(element, name, outputs));
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef())
      QB_CHECK(append_outputs(element, name, outputs));
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      const std::string key = entry.key().isString() ? entry.key().toStringRef() : "";
      const std::string full = name.empty() ? key : fmt::format("{}.{}", name, key);
      QB_CHECK(append_outputs(entry.value(), full, outputs));
    }
  } else if (!value.isNone()) {
    return fail(Errc::unsupported, "it gives a {}: qbench takes tensors only", value.tagKind());
  }
  return {};
}

// "torchvision::nms" of what PyTorch says of an operator that it doesn't have; empty: it says
// something else.
std::string missing_operator(const std::string& text) {
  for (const std::string_view mark : {"Unknown builtin op: ", "Unknown type name "}) {
    const size_t at = text.find(mark);
    if (at == std::string::npos || at + mark.size() >= text.size()) continue;
    const size_t start = text.find_first_not_of('\'', at + mark.size());
    const std::string word = text.substr(start, text.find_first_of(" '\n", start) - start);
    return word.substr(0, word.find_last_not_of('.') + 1);
  }
  return {};
}

tl::unexpected<Error> load_failure(const std::string& path, const std::exception& error) {
  const std::string text = text_of(error);
  const std::string name = std::filesystem::path(path).filename().string();
  if (const std::string missing = missing_operator(text); !missing.empty())
    return fail(Errc::unsupported,
                "{}: uses {}, which PyTorch itself doesn't have: it comes with another package. "
                "Save the model without it, or export it as .onnx",
                name, missing);
  if (text.find("constants.pkl") != std::string::npos || text.find("PytorchStreamReader") == 0)
    return fail(Errc::bad_input,
                "{}: holds no TorchScript program. What torch.save writes is a pickle, which is "
                "code that qbench doesn't run: save torch.jit.trace(model, inputs) or export .onnx",
                name);
  return tl::unexpected(with_context(failure(error).value(), name));
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
      [module, arguments](const std::vector<at::Tensor>& inputs) mutable -> Result<ModelOutputs> {
    std::vector<c10::IValue> values;
    for (size_t i = 0; i < inputs.size(); ++i) {
      QB_TRY(c10::IValue value, argument_of(inputs[i], arguments[i]));
      values.push_back(std::move(value));
    }
    ModelOutputs outputs;
    QB_CHECK(append_outputs(module.forward(std::move(values)), "", outputs));
    return outputs;
  };
  return file;
} catch (const std::exception& error) {
  return load_failure(path, error);
}

}  // namespace qb::pytorch
