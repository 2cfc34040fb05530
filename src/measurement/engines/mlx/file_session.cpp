#include "measurement/engines/mlx/file_session.h"

#include "measurement/engines/mlx/blas.h"
#include "measurement/engines/mlx/failure.h"

namespace qb::mlx {
namespace {

template <typename T>
mx::array copy_of(const TensorView& tensor, mx::Dtype dtype) {
  return mx::array(static_cast<const T*>(tensor.data), shape_of(tensor.shape), dtype);
}

mx::array array_of(const TensorView& tensor) {
  switch (tensor.type) {
    case ElementType::f32:
      return copy_of<float>(tensor, mx::float32);
    case ElementType::f64:
      return copy_of<double>(tensor, mx::float64);
    case ElementType::f16:
      return copy_of<mx::float16_t>(tensor, mx::float16);
    case ElementType::bf16:
      return copy_of<mx::bfloat16_t>(tensor, mx::bfloat16);
    case ElementType::i64:
      return copy_of<int64_t>(tensor, mx::int64);
    case ElementType::i32:
      return copy_of<int32_t>(tensor, mx::int32);
    case ElementType::i16:
      return copy_of<int16_t>(tensor, mx::int16);
    case ElementType::i8:
      return copy_of<int8_t>(tensor, mx::int8);
    case ElementType::u8:
      return copy_of<uint8_t>(tensor, mx::uint8);
    case ElementType::boolean:
      return copy_of<bool>(tensor, mx::bool_);
  }
  return mx::array(0.0f);
}

// Empty: a type that qbench doesn't read.
std::optional<ElementType> type_of(mx::Dtype dtype) {
  switch (dtype.val()) {
    case mx::Dtype::Val::float32:
      return ElementType::f32;
    case mx::Dtype::Val::float64:
      return ElementType::f64;
    case mx::Dtype::Val::float16:
      return ElementType::f16;
    case mx::Dtype::Val::bfloat16:
      return ElementType::bf16;
    case mx::Dtype::Val::int64:
      return ElementType::i64;
    case mx::Dtype::Val::int32:
      return ElementType::i32;
    case mx::Dtype::Val::int16:
      return ElementType::i16;
    case mx::Dtype::Val::int8:
      return ElementType::i8;
    case mx::Dtype::Val::uint8:
      return ElementType::u8;
    case mx::Dtype::Val::bool_:
      return ElementType::boolean;
    default:
      return std::nullopt;
  }
}

bool is_wide_unsigned(mx::Dtype dtype) {
  return dtype == mx::uint16 || dtype == mx::uint32 || dtype == mx::uint64;
}

}  // namespace

MlxFileSession::MlxFileSession(const std::string& path, const worker::CompileOptions& options)
    : options_(options), function_(mx::import_function(path)) {
  if (options.device == "cpu") blas_thread_count_ = set_blas_threads(options.thread_count);
}

Result<void> MlxFileSession::stage(const worker::StepInputs& inputs) try {
  outputs_.clear();
  results_.clear();
  arguments_.clear();
  for (const TensorView& tensor : inputs.tensors) arguments_.push_back(array_of(tensor));
  mx::eval(arguments_);
  mx::synchronize();
  is_staged_ = true;
  return {};
} catch (const std::exception& error) {
  return failure(error);
}

Result<void> MlxFileSession::run(const worker::StepInputs& inputs) try {
  if (!is_staged_) QB_CHECK(stage(inputs));
  is_staged_ = false;
  results_ = function_(arguments_);
  mx::eval(results_);
  mx::synchronize();
  for (const mx::array& result : results_)
    if (!type_of(result.dtype()) && !is_wide_unsigned(result.dtype()))
      return fail(Errc::unsupported, "an output has elements of a type that qbench doesn't read");
  return {};
} catch (const std::exception& error) {
  const std::string_view text = error.what();
  if (text.find("No imported function found") != text.npos)
    return fail(Errc::bad_input,
                "it was exported for arguments of other number, shape or type than --input gives "
                "(by position, in the order of the options)");
  return failure(error);
}

// Indices are unsigned in MLX: they are shown as i64.
std::span<const TensorView> MlxFileSession::outputs() const {
  if (!outputs_.empty()) return outputs_;
  shown_.clear();
  output_shapes_.clear();
  for (const mx::array& result : results_)
    shown_.push_back(
        mx::contiguous(is_wide_unsigned(result.dtype()) ? mx::astype(result, mx::int64) : result));
  mx::eval(shown_);
  for (const mx::array& array : shown_) output_shapes_.push_back(extents_of(array));
  for (size_t i = 0; i < shown_.size(); ++i)
    outputs_.push_back({*type_of(shown_[i].dtype()), output_shapes_[i], shown_[i].data<char>()});
  return outputs_;
}

Json MlxFileSession::actual() const {
  return Json::object({{"device", options_.device},
                       {"compute_type", "an exported function, evaluated as it is"},
                       {"thread_count", options_.device == "cpu" ? blas_thread_count_ : 1}});
}

}  // namespace qb::mlx
