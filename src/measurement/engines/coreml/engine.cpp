// Core ML as an engine: packages are made on any system and run on a Mac.
#include "measurement/worker/engine.h"

#include <algorithm>

#include "base/file_name.h"
#include "measurement/engines/coreml/emit.h"
#include "measurement/engines/coreml/lowering.h"
#include "measurement/engines/coreml/runtime.h"
#include "measurement/engines/coreml/session.h"
#include "measurement/lowering/transformations.h"

namespace qb::coreml {
namespace {

// The newest target that this machine runs. Errors: unavailable.
Result<TargetRow> target_here() {
  Error last;
  for (const std::string_view name : {"macos26", "macos15", "macos14"}) {
    const auto* row = std::ranges::find(target_rows, name, &TargetRow::name);
    const Result<std::string> system = find_core_ml(row->specification);
    if (system) return *row;
    last = system.error();
  }
  return tl::unexpected(std::move(last));
}

class CoreMlEngine : public worker::Engine {
 public:
  worker::Description describe() const override {
    worker::Description d = {.framework = "coreml"};
    const Result<TargetRow> target = target_here();
    d.available = target.has_value();
    if (target) {
      d.version = *find_core_ml(target->specification);
      d.facts = Json::object({{"target", target->name}});
    } else {
      d.reason = target.error().message;
      d.remedy = "take a Mac; qbench export --framework coreml makes packages for one here";
    }
    for (const UnitsRow& row : units_rows) d.devices.push_back({.name = std::string(row.device)});
    for (const char* other : {"gpu", "ane"})
      d.devices.push_back({.name = other,
                           .available = false,
                           .reason = fmt::format("Core ML takes it together with the CPU only: "
                                                 "--device cpu+{}",
                                                 other)});
    d.operators = lowering::operator_names(lowerings());
    d.emits = "Core ML packages (.mlpackage), on any system";
    return d;
  }

  Result<std::unique_ptr<worker::Session>> compile(const bundle::Bundle& bundle,
                                                   const worker::CompileOptions& options) override {
    QB_CHECK(check_scheme(bundle));
    QB_TRY(const TargetRow row, target_here());
    const auto* units = std::ranges::find(units_rows, options.device, &UnitsRow::device);
    if (units == std::end(units_rows))
      return fail(Errc::unsupported,
                  "Core ML has the devices cpu, cpu+gpu, cpu+ane and all, not {}", options.device);
    QB_TRY(const Target target, parse_target(row.name, bundle.scheme()));
    QB_TRY(auto session, CoreMlSession::make(bundle, options, target, units->units));
    if (!bundle.content_hash().empty()) QB_CHECK(session->load());
    return session;
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
        notes.set(name.empty() ? key : fmt::format("{} {}", name, key), note);
    }
    return notes;
  }

 private:
  static Result<void> check_scheme(const bundle::Bundle& bundle) {
    const quant::Activations activations = bundle.scheme().activations;
    const bool is_by_checkpoint =  // which means it by token
        activations == quant::Activations::none && bundle.rounds_activations();
    if (const auto bits = lowering::odd_bits_of(bundle))
      return fail(Errc::unsupported, "Core ML has no constexpr_blockwise_shift_scale of {} bits",
                  *bits);
    if (activations == quant::Activations::on_run || activations == quant::Activations::by_token ||
        is_by_checkpoint)
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
