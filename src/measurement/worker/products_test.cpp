// The check of a device's products, by devices that multiply rightly and wrongly.
#include "measurement/worker/products.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "base/float16.h"

using namespace qb;
using namespace qb::worker;

namespace {

constexpr ProductSize size = {.row_count = 8, .input_width = 96, .output_width = 40};

using Round = std::function<float(float)>;

// y = x w, each factor rounded, the outputs from the last rows scaled by `last`.
class Multiplier : public Session {
 public:
  Multiplier(const bundle::Bundle& bundle, Round round, float last)
      : round_(std::move(round)), last_(last), weights_(size.output_width * size.input_width) {
    const ir::Graph& graph = bundle.graph();
    bundle::decode_f32(bundle.parameter(graph.of_kind(ir::ValueKind::parameter)[0]), weights_);
  }
  Result<void> run(const StepInputs& inputs) override {
    const std::span<const float> x = inputs.tensors[0].f32();
    for (int64_t row = 0; row < size.row_count; ++row)
      for (int64_t column = 0; column < size.output_width; ++column) {
        double sum = 0.0;
        for (int64_t i = 0; i < size.input_width; ++i)
          sum += static_cast<double>(round_(x[row * size.input_width + i])) *
                 static_cast<double>(round_(weights_[column * size.input_width + i]));
        y_[row * size.output_width + column] =
            static_cast<float>(sum) * (row >= size.row_count - 2 ? last_ : 1.0f);
      }
    return {};
  }
  std::span<const TensorView> outputs() const override { return {&output_, 1}; }
  Json actual() const override { return Json::object({{"compute_type", "linear: by hand"}}); }

 private:
  Round round_;
  float last_;
  std::vector<float> weights_;
  std::vector<float> y_ = std::vector<float>(size.row_count * size.output_width);
  int64_t shape_[2] = {size.row_count, size.output_width};
  TensorView output_ = {ElementType::f32, shape_, y_.data()};
};

class Device : public Engine {
 public:
  explicit Device(Round round, float last = 1.0f) : round_(std::move(round)), last_(last) {}
  Description describe() const override { return {.framework = "by hand"}; }
  Result<std::unique_ptr<Session>> compile(const bundle::Bundle& bundle,
                                           const CompileOptions&) override {
    if (bundle.scheme().name == "bf16") return fail(Errc::unsupported, "no bf16 here");
    return std::make_unique<Multiplier>(bundle, round_, last_);
  }

 private:
  Round round_;
  float last_;
};

float as_it_is(float value) { return value; }
float to_tf32(float value) {
  return fp16_to_float(float_to_fp16(value));
}  // as many bits, for these

}  // namespace

TEST_CASE("right products have no problem, and a refusal is told as one") {
  Device device(as_it_is);
  const Json checked = check_products(device, "gpu", size);
  CHECK(checked["problem"].as_string().empty());
  CHECK(checked["fp32"]["worst_error"].as_double() < 1e-6);
  CHECK_FALSE(checked["fp32"].contains("note"));
  CHECK(checked["fp16"]["computes"].as_string() == "linear: by hand");
  CHECK(checked["bf16"]["refused"].as_string() == "no bf16 here");
}

TEST_CASE("a few wrong rows are a problem in each type") {
  for (const float last : {0.0f, 1.5f, std::numeric_limits<float>::quiet_NaN()}) {
    Device device(as_it_is, last);
    const std::string problem = check_products(device, "gpu", size)["problem"].as_string();
    CHECK(problem.find("fp32 products of [8, 96] by [40, 96] are off by") == 0);
    CHECK(problem.find("fp16 products") != std::string::npos);
  }
}

TEST_CASE("products of f32 that are rounded as TF32 does are noted") {
  Device device(to_tf32);
  const Json checked = check_products(device, "gpu", size);
  CHECK(checked["problem"].as_string().empty());
  CHECK(checked["fp32"]["note"].as_string() == "products are rounded as TF32 does");
}
