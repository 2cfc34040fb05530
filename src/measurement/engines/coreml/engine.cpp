// Core ML as an engine: packages are made on any system and run on a Mac.
#include "measurement/worker/engine.h"

#include <set>

#include "base/file_name.h"
#include "measurement/engines/coreml/emit.h"
#include "measurement/engines/coreml/lowering.h"

namespace qb::coreml {
namespace {

class CoreMlEngine : public worker::Engine {
 public:
  worker::Description describe() const override {
    worker::Description d = {.framework = "coreml"};
    d.available = false;
    d.reason = "Core ML runs on macOS only";
    d.remedy = "make a package with qbench export --framework coreml, and run it on a Mac";
    d.operators = lowering::operator_names(lowerings());
    d.emits = "Core ML packages (.mlpackage), on any system";
    return d;
  }

  Result<std::unique_ptr<worker::Session>> compile(const bundle::Bundle&,
                                                   const worker::CompileOptions&) override {
    return fail(Errc::unavailable, "Core ML runs on macOS only");
  }

  Result<Json> emit(std::span<const bundle::NamedBundle> networks,
                    const worker::EmitOptions& options,
                    const std::filesystem::path& folder) override {
    Json notes = Json::object({});
    for (const auto& [name, bundle] : networks) {
      QB_TRY(const Target target, parse_target(options.target, bundle.scheme()));
      QB_CHECK(check_scheme(bundle));
      QB_TRY(const auto plans, plan_functions(bundle.graph(), target, options));
      const std::string file = file_name_of(name.empty() ? bundle.graph().name : name);
      QB_TRY(const Json told, write_network(bundle, target, plans, folder / (file + ".mlpackage")));
      notes.set("target", fmt::format("{}: specification {}, {}", target.row.name,
                                      target.row.specification, target.row.opset));
      for (const auto& [key, note] : told.as_object())
        notes.set(name.empty() ? key : name + " " + key, note);
    }
    return notes;
  }

 private:
  static Result<void> check_scheme(const bundle::Bundle& bundle) {
    const quant::Activations activations = bundle.scheme().activations;
    if (activations == quant::Activations::on_run || activations == quant::Activations::by_token)
      return fail(
          Errc::unsupported,
          "Core ML rounds activations by ranges that were measured before, not at each run");
    return {};
  }
};

}  // namespace
}  // namespace qb::coreml

namespace qb::worker {

std::unique_ptr<Engine> make_engine() { return std::make_unique<coreml::CoreMlEngine>(); }

}  // namespace qb::worker
