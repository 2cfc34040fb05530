#include "engines/pytorch/file_session.h"

#include <algorithm>

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

at::Tensor view_of(const TensorView& tensor) {
  const TypeRow& row = *std::ranges::find(type_rows, tensor.type, &TypeRow::type);
  return at::from_blob(const_cast<void*>(tensor.data), tensor.shape,
                       at::TensorOptions().dtype(row.scalar));
}

// The line that says what is wrong: TorchScript puts a stack of its own before it.
std::string reason_of(const std::string& text) {
  constexpr std::string_view mark = "RuntimeError: ";
  const size_t at = text.rfind(mark);
  const std::string reason = at == std::string::npos ? text : text.substr(at + mark.size());
  return reason.substr(0, reason.find('\n'));
}

Result<void> check_count(const ModelFile& file, size_t count) {
  if (count >= file.input_count_min && count <= file.input_count_max) return {};
  std::string wanted = std::to_string(file.input_count_min);
  if (file.input_count_max != file.input_count_min)
    wanted += fmt::format(" to {}", file.input_count_max);
  if (!file.input_names.empty()) wanted += fmt::format(" ({})", fmt::join(file.input_names, ", "));
  return fail(Errc::bad_input, "inputs: takes {}, {} given with --input", wanted, count);
}

Result<void> check_outputs(const std::vector<at::Tensor>& outputs) {
  for (const at::Tensor& output : outputs)
    if (std::ranges::find(type_rows, output.scalar_type(), &TypeRow::scalar) == std::end(type_rows))
      return fail(Errc::unsupported, "an output has elements of type {}, which qbench doesn't read",
                  c10::toString(output.scalar_type()));
  return {};
}

}  // namespace

Result<std::unique_ptr<worker::FileSession>> PytorchFileSession::open(
    const std::string& path, const worker::CompileOptions& options) {
  if (options.device != "cpu")
    return fail(Errc::unsupported, "PyTorch's model files are run on cpu only, not on {}",
                options.device);
  at::set_num_threads(static_cast<int>(options.thread_count));
  QB_TRY(ModelFile file, path.ends_with(".pt2") ? load_aoti_package(path) : load_torchscript(path));
  return std::unique_ptr<worker::FileSession>(new PytorchFileSession(std::move(file), options));
}

Result<void> PytorchFileSession::run(const worker::StepInputs& inputs) try {
  QB_CHECK(check_count(file_, inputs.tensors.size()));
  const c10::InferenceMode inference;
  std::vector<at::Tensor> tensors;
  for (const TensorView& tensor : inputs.tensors) tensors.push_back(view_of(tensor));
  outputs_.clear();
  QB_TRY(results_, file_.forward(tensors));
  return check_outputs(results_);
} catch (const c10::Error& error) {
  return fail(Errc::framework_failed, "PyTorch: {}", reason_of(error.what_without_backtrace()));
} catch (const std::exception& error) {
  return fail(Errc::framework_failed, "PyTorch: {}", reason_of(error.what()));
}

std::span<const TensorView> PytorchFileSession::outputs() const {
  if (!outputs_.empty()) return outputs_;
  const c10::InferenceMode inference;
  contiguous_.clear();
  for (const at::Tensor& result : results_) {
    const at::Tensor& output = contiguous_.emplace_back(result.contiguous());
    outputs_.push_back({std::ranges::find(type_rows, output.scalar_type(), &TypeRow::scalar)->type,
                        {output.sizes().data(), output.sizes().size()},
                        output.const_data_ptr()});
  }
  return outputs_;
}

Json PytorchFileSession::actual() const {
  return Json::object({{"device", "cpu"},
                       {"compute_type", file_.compute_type},
                       {"thread_count", static_cast<int64_t>(at::get_num_threads())}});
}

}  // namespace qb::pytorch
