// The reference interpreter as an engine: the oracle, under the same protocol as the others.
#include "measurement/worker/engine.h"

#include "compression/quant/scheme.h"
#include "compression/reference/interpreter.h"
#include "network/ir/operators.h"

namespace qb::worker {
namespace {

// Weights that are more than this once they are f32 are decoded a layer at a time.
constexpr int64_t decoded_bytes_max = 4'000'000'000;

int64_t decoded_bytes(const bundle::Bundle& bundle) {
  int64_t bytes = 0;
  for (const ir::Value value : bundle.graph().of_kind(ir::ValueKind::parameter))
    if (bundle.parameter(value).encoding != bundle::Encoding::f32)
      bytes += 4 * ir::element_count(bundle.graph()[value].shape);
  return bytes;
}

class ReferenceSession : public Session {
 public:
  ReferenceSession(const bundle::Bundle& bundle, const CompileOptions& options)
      : interpreter_(bundle, {options.batch, options.context_tokens,
                              decoded_bytes(bundle) > decoded_bytes_max}),
        rounds_(bundle.rounds_activations()) {}

  Result<void> run(const StepInputs& inputs) override {
    return interpreter_.run(inputs.tensors, inputs.past_tokens);
  }
  std::span<const TensorView> outputs() const override { return interpreter_.outputs(); }
  Json actual() const override {
    return Json::object(
        {{"device", "cpu"},
         {"compute_type", rounds_ ? "f32, weights dequantized at load, activations rounded"
                                  : "f32, weights dequantized at load"},
         {"thread_count", 1}});
  }

 private:
  reference::Interpreter interpreter_;
  bool rounds_;
};

class ReferenceEngine : public Engine {
 public:
  Description describe() const override {
    Description description = {.framework = "reference", .version = "1"};
    description.devices = {{.name = "cpu"}};
    for (const ir::OperatorRow& row : ir::operators()) description.operators.emplace_back(row.name);
    return description;
  }

  Result<std::unique_ptr<Session>> compile(const bundle::Bundle& bundle,
                                           const CompileOptions& options) override {
    if (options.device != "cpu")
      return fail(Errc::unsupported, "the reference runs on cpu only, not on {}", options.device);
    return std::make_unique<ReferenceSession>(bundle, options);
  }
};

}  // namespace

std::unique_ptr<Engine> make_engine() { return std::make_unique<ReferenceEngine>(); }

}  // namespace qb::worker
