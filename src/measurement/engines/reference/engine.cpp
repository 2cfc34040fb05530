// The reference interpreter as an engine: the oracle, under the same protocol as the others.
#include "measurement/worker/engine.h"

#include "compression/quant/scheme.h"
#include "compression/reference/interpreter.h"
#include "network/ir/operators.h"

namespace qb::worker {
namespace {

class ReferenceSession : public Session {
 public:
  ReferenceSession(const bundle::Bundle& bundle, const CompileOptions& options)
      : interpreter_(bundle, {options.batch, options.context_tokens}),
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
