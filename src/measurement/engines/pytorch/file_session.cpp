#include "measurement/engines/pytorch/file_session.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/file_name.h"
#include "measurement/engines/pytorch/failure.h"

namespace qb::pytorch {
namespace {

struct TypeRow {
  at::ScalarType scalar;
  ElementType type;
};
constexpr TypeRow type_rows[] = {{at::kFloat, ElementType::f32}, {at::kDouble, ElementType::f64},
                                 {at::kHalf, ElementType::f16},  {at::kBFloat16, ElementType::bf16},
                                 {at::kLong, ElementType::i64},  {at::kInt, ElementType::i32},
                                 {at::kShort, ElementType::i16}, {at::kChar, ElementType::i8},
                                 {at::kByte, ElementType::u8},   {at::kBool, ElementType::boolean}};

at::TensorOptions options_of(const TensorView& tensor) {
  return at::TensorOptions().dtype(
      std::ranges::find(type_rows, tensor.type, &TypeRow::type)->scalar);
}

// Programs may change their inputs: each run gets values of its own. Memory is taken once.
void copy_to(at::Tensor& own, const TensorView& tensor) {
  const at::TensorOptions options = options_of(tensor);
  if (!own.defined() || own.sizes() != at::IntArrayRef(tensor.shape.data(), tensor.shape.size()) ||
      own.scalar_type() != c10::typeMetaToScalarType(options.dtype()) || !own.is_contiguous())
    own = at::empty(at::IntArrayRef(tensor.shape.data(), tensor.shape.size()), options);
  if (tensor.size_bytes() > 0)
    std::memcpy(own.mutable_data_ptr(), tensor.data, tensor.size_bytes());
}

Result<void> check_count(const ModelFile& file, size_t count) {
  if (count >= file.input_count_min && count <= file.input_count_max) return {};
  std::string wanted = std::to_string(file.input_count_min);
  if (file.input_count_max != file.input_count_min)
    wanted += fmt::format(" to {}", file.input_count_max);
  if (!file.input_names.empty()) wanted += fmt::format(" ({})", fmt::join(file.input_names, ", "));
  return fail(Errc::bad_input, "inputs: takes {}, {} given with --input", wanted, count);
}

// What is passed of the inputs. As PyTorch does in Python: compiled code has its numbers in itself,
// and takes the tensors.
Result<std::vector<TensorView>> passed_of(const ModelFile& file,
                                          std::span<const TensorView> inputs) {
  std::vector<TensorView> passed(inputs.begin(), inputs.end());
  if (!file.tensor_count || passed.size() == *file.tensor_count) return passed;
  std::erase_if(passed, [](const TensorView& input) { return input.shape.empty(); });
  if (passed.size() != *file.tensor_count)
    return fail(Errc::bad_input,
                "inputs: takes {} tensors, {} given with --input (its function's numbers are "
                "compiled in)",
                *file.tensor_count, passed.size());
  return passed;
}

Result<void> check_outputs(const std::vector<at::Tensor>& outputs) {
  for (const at::Tensor& output : outputs) {
    if (output.layout() != c10::kStrided)
      return fail(Errc::unsupported, "an output is {}: qbench reads dense tensors only",
                  output.is_sparse() ? "a sparse tensor" : "no dense tensor");
    if (std::ranges::find(type_rows, output.scalar_type(), &TypeRow::scalar) == std::end(type_rows))
      return fail(Errc::unsupported, "an output has elements of type {}, which qbench doesn't read",
                  c10::toString(output.scalar_type()));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<worker::FileSession>> PytorchFileSession::open(
    const std::string& path, const worker::CompileOptions& options, const Kernels& has) {
  if (options.device != "cpu")
    return fail(Errc::unsupported, "PyTorch's model files are run on cpu only, not on {}",
                options.device);
  at::set_num_threads(static_cast<int>(options.thread_count));
  QB_TRY(ModelFile file,
         file_ending(path) == ".pt2" ? load_aoti_package(path) : load_torchscript(path));
  return std::unique_ptr<worker::FileSession>(
      new PytorchFileSession(std::move(file), options, note_of(has)));
}

Result<void> PytorchFileSession::stage(const worker::StepInputs& inputs) try {
  QB_CHECK(check_count(file_, inputs.tensors.size()));
  const c10::InferenceMode inference;
  // What is the last run's goes before its inputs, which an output may be.
  outputs_.clear();
  contiguous_.clear();
  results_ = {};
  QB_TRY(const std::vector<TensorView> passed, passed_of(file_, inputs.tensors));
  has_constants_ = passed.size() < inputs.tensors.size();
  inputs_of_run_.resize(passed.size());
  for (size_t i = 0; i < passed.size(); ++i) copy_to(inputs_of_run_[i], passed[i]);
  is_staged_ = true;
  return {};
} catch (const std::exception& error) {
  return failure(error);
}

Result<void> PytorchFileSession::run(const worker::StepInputs& inputs) try {
  if (!is_staged_) QB_CHECK(stage(inputs));
  is_staged_ = false;
  const c10::InferenceMode inference;
  QB_TRY(results_, file_.forward(inputs_of_run_));
  return check_outputs(results_.tensors);
} catch (const std::exception& error) {
  return failure(error);
}

std::span<const TensorView> PytorchFileSession::outputs() const {
  if (!outputs_.empty()) return outputs_;
  const c10::InferenceMode inference;
  contiguous_.clear();
  for (const at::Tensor& result : results_.tensors) {
    const at::Tensor& output = contiguous_.emplace_back(result.contiguous());
    outputs_.push_back({std::ranges::find(type_rows, output.scalar_type(), &TypeRow::scalar)->type,
                        {output.sizes().data(), output.sizes().size()},
                        output.const_data_ptr()});
  }
  return outputs_;
}

Json PytorchFileSession::actual() const {
  const char* note =
      has_constants_ ? ", which has its numbers compiled in, whatever --input says of them" : "";
  return Json::object({{"device", "cpu"},
                       {"compute_type", file_.compute_type + note + note_},
                       {"thread_count", static_cast<int64_t>(at::get_num_threads())}});
}

}  // namespace qb::pytorch
