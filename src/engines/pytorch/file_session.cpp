#include "engines/pytorch/file_session.h"

#include <algorithm>
#include <cstring>

#include "base/file_name.h"
#include "worker/reason.h"

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

// A compiled package wants another number of tensors.
bool is_about_count(std::string_view text) {
  return text.find("inputs vector size") != std::string_view::npos;
}

Result<void> check_count(const ModelFile& file, size_t count) {
  if (count >= file.input_count_min && count <= file.input_count_max) return {};
  std::string wanted = std::to_string(file.input_count_max);
  if (file.input_count_max != file.input_count_min && !file.are_numbers_constants)
    wanted = fmt::format("{} to {}", file.input_count_min, file.input_count_max);
  if (!file.input_names.empty()) wanted += fmt::format(" ({})", fmt::join(file.input_names, ", "));
  return fail(Errc::bad_input, "inputs: takes {}, {} given with --input", wanted, count);
}

// Without the numbers.
std::vector<at::Tensor> tensors_of(const std::vector<at::Tensor>& inputs) {
  std::vector<at::Tensor> tensors;
  for (const at::Tensor& input : inputs)
    if (input.dim() > 0) tensors.push_back(input);
  return tensors;
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
    const std::string& path, const worker::CompileOptions& options) {
  if (options.device != "cpu")
    return fail(Errc::unsupported, "PyTorch's model files are run on cpu only, not on {}",
                options.device);
  at::set_num_threads(static_cast<int>(options.thread_count));
  QB_TRY(ModelFile file,
         file_ending(path) == ".pt2" ? load_aoti_package(path) : load_torchscript(path));
  return std::unique_ptr<worker::FileSession>(new PytorchFileSession(std::move(file), options));
}

Result<void> PytorchFileSession::stage(const worker::StepInputs& inputs) try {
  QB_CHECK(check_count(file_, inputs.tensors.size()));
  const c10::InferenceMode inference;
  // What is the last run's goes before its inputs, which an output may be.
  outputs_.clear();
  contiguous_.clear();
  results_ = {};
  inputs_of_run_.resize(inputs.tensors.size());
  for (size_t i = 0; i < inputs.tensors.size(); ++i) copy_to(inputs_of_run_[i], inputs.tensors[i]);
  is_staged_ = true;
  return {};
} catch (const c10::Error& error) {
  return fail(Errc::framework_failed, "PyTorch: {}", error.what_without_backtrace());
}

Result<void> PytorchFileSession::run(const worker::StepInputs& inputs) try {
  if (!is_staged_) QB_CHECK(stage(inputs));
  is_staged_ = false;
  const c10::InferenceMode inference;
  QB_TRY(results_, forward());
  return check_outputs(results_.tensors);
} catch (const c10::Error& error) {
  return failure(error.what_without_backtrace());
} catch (const std::exception& error) {
  return failure(error.what());
}

tl::unexpected<Error> PytorchFileSession::failure(const std::string& text) const {
  return fail(is_about_count(text) ? Errc::bad_input : Errc::framework_failed, "PyTorch: {}",
              worker::framework_reason(text));
}

// As PyTorch calls a package in Python: numbers were compiled in, tensors are passed.
Result<ModelOutputs> PytorchFileSession::forward() {
  if (has_constants_) return file_.forward(tensors_of(inputs_of_run_));
  const std::vector<at::Tensor> tensors = tensors_of(inputs_of_run_);
  const bool may_have = file_.are_numbers_constants && tensors.size() < inputs_of_run_.size();
  if (!may_have) return file_.forward(inputs_of_run_);
  try {
    return file_.forward(inputs_of_run_);
  } catch (const std::exception& error) {
    if (!is_about_count(error.what())) throw;
  }
  has_constants_ = true;
  return file_.forward(tensors);
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
                       {"compute_type", file_.compute_type + note},
                       {"thread_count", static_cast<int64_t>(at::get_num_threads())}});
}

}  // namespace qb::pytorch
