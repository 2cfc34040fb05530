// PyTorch as an engine.
#include "measurement/worker/engine.h"

#include "compression/quant/scheme.h"
#include "measurement/engines/pytorch/file_session.h"
#include "measurement/engines/pytorch/session.h"

namespace qb::pytorch {
namespace {

std::string_view kernels_of(const quant::Scheme& scheme) {
  constexpr std::string_view dequantized =
      "linear and convolution: dequantized at each run; embedding: rows dequantized";
  if (scheme.activations == quant::Activations::on_run)
    return "linear and convolution: oneDNN's integer kernels (cpu only), the range taken at each "
           "run; embedding: rows dequantized";
  if (scheme.activations == quant::Activations::by_token)
    return "linear: rounded by amax, div, round; _int_mm (cpu only), scaled after; embedding: rows "
           "dequantized";
  if (scheme.activations == quant::Activations::measured)
    return "linear and convolution: oneDNN's integer kernels (cpu only); embedding: rows "
           "dequantized";
  if (scheme.weight_type == quant::WeightType::micro) return {};  // none
  if (scheme.weight_type == quant::WeightType::f32)
    return "f32 kernels; convolutions with batch norm and relu6 folded in";
  if (scheme.weight_type == quant::WeightType::f16) return "linear and convolution in f16";
  if (scheme.weight_type == quant::WeightType::bf16) return "linear and convolution in bf16";
  const bool is_4_bit_block = scheme.weight_type == quant::WeightType::block &&
                              scheme.block != ggml::BlockFormat::q8_0 &&
                              scheme.block != ggml::BlockFormat::q6_k;
  if (is_4_bit_block || scheme.weight_bits == 4 || scheme.weight_type == quant::WeightType::mixed)
    return "linear: _weight_int4pack_mm with bf16 activations; convolution: dequantized at each "
           "run; embedding: rows dequantized";
  const bool is_one_group = scheme.granularity == quant::Granularity::channel ||
                            scheme.granularity == quant::Granularity::tensor;
  return is_one_group ? "linear: _weight_int8pack_mm with bf16 activations; convolution: "
                        "dequantized at each run; embedding: rows dequantized"
                      : dequantized;
}

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
    d.devices = {{.name = "cpu"},
                 gpu(),
                 {.name = "ane", .available = false, .reason = "PyTorch does not drive it"}};
    d.operators = lowering::operator_names(lowerings());
    for (const quant::Scheme& scheme : quant::base_schemes())
      if (const std::string_view kernels = kernels_of(scheme); !kernels.empty())
        d.schemes.emplace_back(scheme.name, kernels);
    return d;
  }

  Result<std::unique_ptr<worker::Session>> compile(const bundle::Bundle& bundle,
                                                   const worker::CompileOptions& options) override {
    if (bundle.scheme().weight_type == quant::WeightType::micro)
      return fail(Errc::unsupported, "PyTorch has no kernels for {} weights on {}",
                  quant::row_of(bundle.scheme().micro).name, options.device);
    if (options.device == "cpu") return PytorchSession::compile(bundle, options, at::kCPU);
    if (options.device == "gpu" && at::hasMPS())
      return PytorchSession::compile(bundle, options, at::kMPS);
    return fail(Errc::unsupported, "this PyTorch has no device {}", options.device);
  }

  Result<std::unique_ptr<worker::FileSession>> open_file(
      const std::string& path, const worker::CompileOptions& options) override {
    return PytorchFileSession::open(path, options);
  }
};

}  // namespace
}  // namespace qb::pytorch

namespace qb::worker {
std::unique_ptr<Engine> make_engine() { return std::make_unique<pytorch::PytorchEngine>(); }
}  // namespace qb::worker
