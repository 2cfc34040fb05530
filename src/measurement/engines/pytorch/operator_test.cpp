// Which operators the build has, what they throw, and what is made fit for them.
#include "measurement/engines/pytorch/operator.h"  // which has a CHECK that doctest's replaces

#include <doctest/doctest.h>

#include <new>
#include <stdexcept>

#include "measurement/engines/pytorch/failure.h"
#include "measurement/engines/pytorch/integer.h"
#include "measurement/engines/pytorch/weight_layout.h"

using namespace qb;
using namespace qb::pytorch;

namespace {

// As _convert_weight_to_int4pack allocates on Metal: whole tiles, as i32.
constexpr int64_t allocated_bytes(WeightShape shape, int64_t inner_tiles) {
  constexpr int64_t code_count_max = 32;
  return shape.row_count / 8 * (shape.column_count / (16 * inner_tiles)) * code_count_max *
         (inner_tiles / 2) * static_cast<int64_t>(sizeof(int32_t));
}
// As its kernel writes: each code.
constexpr int64_t written_bytes(WeightShape shape) {
  return shape.row_count * shape.column_count / 2;
}

// A setting of the process for as long as this lives.
struct WithoutOnednn {
  bool before = at::globalContext().userEnabledMkldnn();
  WithoutOnednn() { at::globalContext().setUserEnabledMkldnn(false); }
  ~WithoutOnednn() { at::globalContext().setUserEnabledMkldnn(before); }
};

template <typename Thrower>
Error failure_of(const Thrower& thrower) {
  try {
    thrower();
  } catch (const std::exception& error) {
    return failure(error).value();
  }
  FAIL("nothing was thrown");
  return {};
}

}  // namespace

TEST_CASE("what is packed for Metal lies within what is allocated for it") {
  for (const int64_t row_count : {1, 8, 10, 96, 1000, 49152})
    for (const int64_t column_count : {32, 64, 96, 576, 1536, 2048}) {
      CAPTURE(row_count);
      CAPTURE(column_count);
      const WeightShape stored = {row_count, column_count};
      const WeightShape shape = int4_shape_on_metal(stored);
      CHECK(shape.row_count >= row_count);
      CHECK(shape.column_count == column_count);  // as many groups as there are scales
      CHECK(allocated_bytes(shape, metal_inner_tiles) >= written_bytes(shape));
    }
  // What the fewest tiles are for: 8 of them leave a part of one at a width of 576.
  constexpr WeightShape of_smollm2 = {576, 576};
  CHECK(allocated_bytes(of_smollm2, 8) < written_bytes(of_smollm2));
  CHECK(allocated_bytes(of_smollm2, metal_inner_tiles) == written_bytes(of_smollm2));
}

TEST_CASE("weights are padded to what the kernels check") {
  constexpr WeightShape classifier = {1000, 1300};
  CHECK(int8_shape_on_metal(classifier).row_count % 32 == 0);
  CHECK(int8_shape_on_metal(classifier).column_count % 32 == 0);
  CHECK(int8_shape_on_metal(classifier).row_count == 1024);
  CHECK(int8_shape_on_cpu(classifier).row_count == 1000);
  CHECK(int8_shape_on_cpu(classifier).column_count == 1312);
  CHECK(int4_shape_on_cpu(classifier).row_count == 1008);
  CHECK(dynamic_int4_shape(classifier).column_count == 1312);
}

TEST_CASE("rows in steps that are too fine are rounded anew, others stay") {
  const at::Tensor codes =
      at::tensor({127, -64, 40, 127, -64, 40}, at::kInt).to(at::kChar).reshape({2, 3, 1, 1});
  const at::Tensor scales = at::tensor({0.001f, 0.5f});
  const SignedWeight weight = {codes, scales, at::zeros({2}, at::kInt)};
  const SignedWeight coarse = in_steps_of_at_least(weight, at::tensor({0.1f, 0.1f}));
  CHECK(at::equal(coarse.scales, at::tensor({0.1f, 0.5f})));
  CHECK(at::equal(coarse.codes.flatten(),
                  at::tensor({1, -1, 0, 127, -64, 40}, at::kInt).to(at::kChar)));
  CHECK(coarse.codes.sizes() == codes.sizes());
  const SignedWeight same = in_steps_of_at_least(weight, at::zeros({2}));
  CHECK(at::equal(same.codes, codes));
  CHECK(at::equal(same.scales, scales));
}

TEST_CASE("what PyTorch throws tells absent kernels from want of memory and from failures") {
  const auto code_of = [](const auto& thrower) { return failure_of(thrower).code; };
  CHECK(code_of([] { TORCH_CHECK_NOT_IMPLEMENTED(false, "no kernel for this backend"); }) ==
        Errc::unsupported);
  CHECK(code_of([] { TORCH_CHECK(false, "Unimplemented as onednn is not available."); }) ==
        Errc::unsupported);
  CHECK(code_of([] { TORCH_CHECK(false, "Didn't find engine for operation"); }) ==
        Errc::unsupported);
  CHECK(code_of([] { throw std::bad_alloc(); }) == Errc::out_of_memory);
  CHECK(code_of([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "of the device"); }) ==
        Errc::out_of_memory);
  CHECK(code_of([] { (void)at::empty({int64_t{1} << 50}, at::kByte); }) == Errc::out_of_memory);
  CHECK(code_of([] { (void)at::matmul(at::ones({2, 3}), at::ones({2, 3})); }) ==
        Errc::framework_failed);
  CHECK(code_of([] { throw std::runtime_error("something else"); }) == Errc::framework_failed);
  const std::string text = failure_of([] { TORCH_CHECK(false, "a plain reason"); }).message;
  CHECK(text == "PyTorch: a plain reason");  // no stack of C++
}

TEST_CASE("an operator that the build has not is refused before it is called") {
  const at::Tensor codes = at::zeros({8, 8}, at::kChar);
  const auto is_unsupported = [](const Result<Operator>& found, std::string_view words) {
    return !found && found.error().code == Errc::unsupported &&
           found.error().message.find(words) != std::string::npos;
  };
  CHECK(is_unsupported(Operator::find("quantized::no_such_operator", {}),
                       "has no quantized::no_such_operator"));
  CHECK(is_unsupported(Operator::find("quantized::add", {{"no_such_argument", 1.0}}),
                       "takes no argument no_such_argument"));
  CHECK(Operator::find("quantized::conv2d.new", {}));
  {
    const WithoutOnednn without;  // whose schemas stay
    CHECK(is_unsupported(Operator::find("onednn::qlinear_prepack", {{"weight", codes}}),
                         "has no onednn::qlinear_prepack"));
    CHECK(is_unsupported(Operator::find("mkldnn::_reorder_linear_weight", {}),
                         "has no mkldnn::_reorder_linear_weight"));
  }
  const bool has_onednn = kernels().value().onednn;
  CHECK(Operator::find("onednn::qlinear_prepack", {{"weight", codes}}).has_value() == has_onednn);
}
