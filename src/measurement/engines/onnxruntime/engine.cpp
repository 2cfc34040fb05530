// ONNX Runtime as an engine.
#include "measurement/worker/engine.h"

#include "base/processor.h"
#include "compression/quant/scheme.h"
#include "measurement/engines/onnxruntime/external_data.h"
#include "measurement/engines/onnxruntime/file_session.h"
#include "measurement/engines/onnxruntime/lowering.h"
#include "measurement/engines/onnxruntime/session.h"
#include "measurement/lowering/transformations.h"

namespace qb::ort {
namespace {

constexpr const char* setup_remedy =
    "run ./qb setup, or give --python a Python that has onnxruntime";

// Without VNNI an x86 processor sums products of u8 and s8 within 16 bits, which saturate: other
// results than elsewhere from the same bits. (With it the option below costs two thirds of the
// speed for nothing.)
bool saturates_products() {
  const auto instructions = processor_instructions();
  return instructions.contains("avx2") && !instructions.contains("avx512_vnni") &&
         !instructions.contains("avx_vnni");
}

Ort::SessionOptions session_options(const worker::CompileOptions& options) {
  Ort::SessionOptions session;
  session.SetIntraOpNumThreads(static_cast<int>(options.thread_count));
  session.SetInterOpNumThreads(1);
  session.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
  session.AddConfigEntry("session.record_ep_graph_assignment_info", "1");
  return session;
}

class OrtEngine : public worker::Engine {
 public:
  worker::Description describe() const override {
    worker::Description d = {.framework = "onnxruntime"};
    const Result<Runtime> runtime = open_runtime();
    d.available = runtime.has_value();
    if (runtime) {
      d.version = runtime->version;
      d.facts = Json::object({{"library", runtime->path}, {"build", runtime->build_info}});
    } else {
      d.reason = runtime.error().message;
      d.remedy = setup_remedy;
    }
    d.devices = {
        {.name = "cpu"},
        {.name = "gpu",
         .available = false,
         .reason = "needs ONNX Runtime's Core ML provider, which this engine doesn't drive yet"},
        {.name = "ane",
         .available = false,
         .reason = "needs ONNX Runtime's Core ML provider, which this engine doesn't drive yet"}};
    d.operators = lowering::operator_names(lowerings());
    return d;
  }

  Result<std::unique_ptr<worker::Session>> compile(const bundle::Bundle& bundle,
                                                   const worker::CompileOptions& options) override {
    QB_CHECK(prepare(options));
    if (lowering::has_tables(bundle))
      return fail(Errc::unsupported, "ONNX Runtime has no kernels for weights in tables");
    if (const auto format = lowering::microscaling_of(bundle))
      return fail(Errc::unsupported, "ONNX Runtime has no kernels for {} weights on a CPU",
                  quant::row_of(*format).name);
    if (const auto bits = lowering::odd_bits_of(bundle))
      return fail(Errc::unsupported, "ONNX Runtime has no kernels for {}-bit weights on a CPU",
                  *bits);
    try {
      Lowering lowering(bundle, options);
      QB_TRY(const Ort::Model model, lowering.build());
      Ort::SessionOptions session_options_of_bundle = session_options(options);
      if (saturates_products())
        session_options_of_bundle.AddConfigEntry("session.x64quantprecision", "1");
      Ort::Session session(*env_, model, session_options_of_bundle);
      bundle.drop_resident_pages();  // the kernels have packed their own copies
      return std::make_unique<OrtSession>(bundle, options, std::move(session), lowering.notes(),
                                          lowering::describe(bundle, lowering.transformations()));
    } catch (const Ort::Exception& error) {
      return refusal(error);
    }
  }

  // The external data is looked at first: of its paths ONNX Runtime checks only some.
  Result<std::unique_ptr<worker::FileSession>> open_file(
      const std::string& path, const worker::CompileOptions& options) override {
    QB_CHECK(prepare(options));
    QB_TRY(std::set<std::string> other_files, check_external_data(path));
    try {
      Ort::SessionOptions session_options_of_file = session_options(options);
      session_options_of_file.AddConfigEntry("session.load_model_format", "ONNX");
      return OrtFileSession::make(Ort::Session(*env_, path.c_str(), session_options_of_file),
                                  options, std::move(other_files));
    } catch (const Ort::Exception& error) {
      return refusal(error);
    }
  }

 private:
  Result<void> prepare(const worker::CompileOptions& options) {
    QB_TRY([[maybe_unused]] const Runtime runtime, open_runtime());
    if (options.device != "cpu")
      return fail(Errc::unsupported, "ONNX Runtime's engine runs on cpu only, not on {}",
                  options.device);
    if (!env_) env_ = std::make_unique<Ort::Env>(ORT_LOGGING_LEVEL_ERROR, "qbench");
    return {};
  }

  static tl::unexpected<Error> refusal(const Ort::Exception& error) {
    const bool is_missing = error.GetOrtErrorCode() == ORT_NOT_IMPLEMENTED;
    return fail(is_missing ? Errc::unsupported : Errc::framework_failed, "ONNX Runtime: {}",
                error.what());
  }

  std::unique_ptr<Ort::Env> env_;
};

}  // namespace
}  // namespace qb::ort

namespace qb::worker {

std::unique_ptr<Engine> make_engine() { return std::make_unique<ort::OrtEngine>(); }

}  // namespace qb::worker
