#include "measurement/engines/coreml/runtime.h"

namespace qb::coreml {
namespace {

tl::unexpected<Error> absent() {
  return fail(Errc::unavailable, "Core ML runs on macOS only; qbench export makes its packages");
}

}  // namespace

struct Model::State {};

Result<std::string> find_core_ml(int32_t) { return absent(); }
Result<void> compile_package(const std::filesystem::path&, const std::filesystem::path&) {
  return absent();
}
Result<Model> Model::load(const std::filesystem::path&, Units) { return absent(); }

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Result<void> Model::make_state() { return absent(); }
Result<void> Model::take_state(const Model&, std::span<const std::string>) { return absent(); }
Result<void> Model::bind(std::span<const Array>, std::span<const Array>) { return absent(); }
Result<void> Model::predict() { return absent(); }
Result<std::vector<PlannedOperation>> Model::plan() const { return absent(); }

}  // namespace qb::coreml
