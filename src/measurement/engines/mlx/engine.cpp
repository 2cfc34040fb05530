// MLX as an engine.
#include "measurement/worker/engine.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "compression/quant/scheme.h"
#include "measurement/engines/mlx/blas.h"
#include "measurement/engines/mlx/emit.h"
#include "measurement/engines/mlx/failure.h"
#include "measurement/engines/mlx/file_session.h"
#include "measurement/engines/mlx/lowering.h"
#include "measurement/engines/mlx/session.h"

namespace qb::mlx {
namespace {

constexpr const char* no_integer_activations =
    "MLX has no kernels that compute with 8-bit activations";

std::vector<worker::DeviceDescription> devices() {
  worker::DeviceDescription gpu = {.name = "gpu",
                                   .available = mx::is_available(mx::Device(mx::Device::gpu))};
  if (!gpu.available) gpu.reason = "this build of MLX has no GPU backend: Metal needs macOS";
  return {{.name = "cpu"},
          std::move(gpu),
          {.name = "ane", .available = false, .reason = "MLX doesn't drive the Neural Engine"}};
}

Json facts() {
  Dl_info info = {};
  ::dladdr(reinterpret_cast<const void*>(&mx::version), &info);
  Json facts = Json::object({});
  if (info.dli_fname) facts.set("library", info.dli_fname);
  const Blas blas = find_blas();
  facts.set("blas", fmt::format("{}{}", blas.name, blas.is_preloaded ? ", preloaded" : ""))
      .set("blas_library", blas.library);
  if (!mx::is_available(mx::Device(mx::Device::gpu)))
    facts.set(
        "warning",
        "MLX's CPU build is slow by nature: each thread of its quantized products reads about "
        "0.7 GB/s of weights, whatever the batch: keep prompts short");
  if (blas.is_reference)
    facts.set("blas_warning",
              "this BLAS is made to be read and not to be fast: unquantized products take up to 70 "
              "times as long as with OpenBLAS; on Debian, install libopenblas0-pthread");
  return facts;
}

class MlxEngine : public worker::Engine {
 public:
  worker::Description describe() const override {
    worker::Description d = {
        .framework = "mlx", .version = mx::version(), .devices = devices(), .facts = facts()};
    d.operators = lowering::operator_names(lowerings());
    d.emits = "exported functions (.mlxfn) of networks without caches";
    return d;
  }

  Result<std::unique_ptr<worker::Session>> compile(const bundle::Bundle& bundle,
                                                   const worker::CompileOptions& options) override
      try {
    QB_TRY(const mx::Device device, find_device(options.device));
    QB_CHECK(check_scheme(bundle));
    mx::set_default_device(device);
    QB_TRY(auto session, compile_for(bundle, options, device));
    bundle.drop_resident_pages();  // MLX has copies of its own
    mx::clear_cache();             // what lowering has left over
    return session;
  } catch (const std::exception& error) {
    return failure(error);
  }

  Result<std::unique_ptr<worker::FileSession>> open_file(
      const std::string& path, const worker::CompileOptions& options) override try {
    QB_TRY(const mx::Device device, find_device(options.device));
    mx::set_default_device(device);
    return std::make_unique<MlxFileSession>(path, options);
  } catch (const std::exception& error) {
    if (auto failed = failure(error); failed.value().code == Errc::out_of_memory) return failed;
    return fail(Errc::bad_input, "{}: is no exported MLX function: {}",
                std::filesystem::path(path).filename().string(), error.what());
  }

  // The target is the device that the function will run on.
  Result<Json> emit(std::span<const bundle::NamedBundle> networks,
                    const worker::EmitOptions& options,
                    const std::filesystem::path& folder) override try {
    const std::string target = options.target.empty() ? "cpu" : options.target;
    QB_TRY(const mx::Device device, find_device(target));
    mx::set_default_device(device);
    Json notes = Json::object({{"target", target}});
    for (const auto& [name, bundle] : networks) {
      QB_CHECK(check_scheme(bundle));
      QB_TRY(const std::string call, emit_function(name, bundle, options, device, folder));
      notes.set(name.empty() ? "takes" : name + " takes", call);
    }
    return notes;
  } catch (const std::exception& error) {
    return failure(error);
  }

 private:
  static Result<void> check_scheme(const bundle::Bundle& bundle) {
    if (bundle.rounds_activations() || bundle.scheme().activations != quant::Activations::none)
      return fail(Errc::unsupported, "{}", no_integer_activations);
    if (lowering::has_tables(bundle))
      return fail(Errc::unsupported, "MLX has no kernels for weights in tables");
    return {};
  }

  Result<std::unique_ptr<worker::Session>> compile_for(const bundle::Bundle& bundle,
                                                       const worker::CompileOptions& options,
                                                       const mx::Device& device) {
    Lowering lowering(bundle, options, streams_for(device, options.thread_count));
    QB_TRY(Program program, lowering.build());
    return std::make_unique<MlxSession>(bundle, options, lowering, std::move(program));
  }

  static Result<mx::Device> find_device(const std::string& name) {
    if (name != "cpu" && name != "gpu")
      return fail(Errc::unsupported, "MLX runs on cpu and gpu, not on {}", name);
    const mx::Device device(name == "gpu" ? mx::Device::gpu : mx::Device::cpu);
    if (!mx::is_available(device))
      return fail(Errc::unavailable, "this build of MLX has no GPU backend");
    return device;
  }

  // The device's own stream, and on a CPU one more for each further thread.
  std::vector<mx::Stream> streams_for(const mx::Device& device, int64_t thread_count) {
    std::vector<mx::Stream> streams = {mx::default_stream(device)};
    if (device == mx::Device::gpu) return streams;
    const auto more = static_cast<size_t>(std::max<int64_t>(0, thread_count - 1));
    while (more_streams_.size() < more) more_streams_.push_back(mx::new_stream(device));
    streams.insert(streams.end(), more_streams_.begin(),
                   more_streams_.begin() + static_cast<std::ptrdiff_t>(more));
    return streams;
  }

  std::vector<mx::Stream> more_streams_;
};

}  // namespace
}  // namespace qb::mlx

namespace qb::worker {

std::unique_ptr<Engine> make_engine() { return std::make_unique<mlx::MlxEngine>(); }

}  // namespace qb::worker
