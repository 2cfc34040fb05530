// PyTorch as an engine.
#include "measurement/worker/engine.h"

#include "compression/quant/scheme.h"
#include "measurement/engines/pytorch/file_session.h"
#include "measurement/engines/pytorch/session.h"
#include "measurement/lowering/transformations.h"

namespace qb::pytorch {
namespace {

worker::DeviceDescription gpu() {
  if (at::hasMPS()) return {.name = "gpu"};
  return {.name = "gpu",
          .available = false,
          .reason = "this build of PyTorch has no Metal (MPS) device"};
}

// The lines of PyTorch's own description of its build that tell what computes.
std::string build_of() {
  const std::string config = at::show_config();
  std::string kept;
  for (size_t start = 0; start < config.size();) {
    const size_t end = std::min(config.find('\n', start), config.size());
    const std::string_view line = std::string_view(config).substr(start, end - start);
    for (const char* word : {"Math Kernel", "MKL-DNN", "OpenMP", "CPU capability"})
      if (line.find(word) != std::string_view::npos)
        kept += fmt::format("{}{}", kept.empty() ? "" : "; ",
                            line.substr(line.find_first_not_of(" -")));
    start = end + 1;
  }
  return kept;
}

class PytorchEngine : public worker::Engine {
 public:
  worker::Description describe() const override {
    worker::Description d = {.framework = "pytorch", .version = TORCH_VERSION};
    d.facts = Json::object({{"build", build_of()},
                            {"blas", at::hasMKL() ? "MKL" : "see build"},
                            {"default_thread_count", static_cast<int64_t>(at::get_num_threads())}});
    if (const auto& has = kernels()) {
      d.facts.set("kernels", pytorch::describe(*has));
    } else {
      d.available = false;
      d.reason = has.error().message;
    }
    d.devices = {{.name = "cpu"},
                 gpu(),
                 {.name = "ane", .available = false, .reason = "PyTorch does not drive it"}};
    d.operators = lowering::operator_names(lowerings());
    return d;
  }

  Result<std::unique_ptr<worker::Session>> compile(const bundle::Bundle& bundle,
                                                   const worker::CompileOptions& options) override {
    if (lowering::has_tables(bundle))
      return fail(Errc::unsupported, "PyTorch has no kernels for weights in tables");
    if (const auto format = lowering::microscaling_of(bundle))
      return fail(Errc::unsupported, "PyTorch has no kernels for {} weights on {}",
                  quant::row_of(*format).name, options.device);
    if (const auto bits = lowering::odd_bits_of(bundle))
      return fail(Errc::unsupported, "PyTorch has no kernels for {}-bit weights on {}", *bits,
                  options.device);
    QB_TRY(const Kernels has, kernels());
    if (options.device == "cpu") return PytorchSession::compile(bundle, options, at::kCPU, has);
    if (options.device == "gpu" && at::hasMPS())
      return PytorchSession::compile(bundle, options, at::kMPS, has);
    return fail(Errc::unsupported, "this PyTorch has no device {}", options.device);
  }

  Result<std::unique_ptr<worker::FileSession>> open_file(
      const std::string& path, const worker::CompileOptions& options) override {
    QB_TRY(const Kernels has, kernels());
    return PytorchFileSession::open(path, options, has);
  }
};

}  // namespace
}  // namespace qb::pytorch

namespace qb::worker {
std::unique_ptr<Engine> make_engine() { return std::make_unique<pytorch::PytorchEngine>(); }
}  // namespace qb::worker
