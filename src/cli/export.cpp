// `qbench export`: qbench-prepare makes the bundle, a framework's worker the package.
#include <algorithm>
#include <cstdio>

#include "base/number.h"
#include "base/paths.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/own_models.h"
#include "cli/prepare.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "compression/quant/scheme.h"
#include "measurement/record/frameworks.h"
#include "network/ir/shape.h"
#include "orchestration/campaign/emission.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

// "batch=4"
Result<wire::FixedExtent> parse_extent(const std::string& text) {
  const size_t equals = std::min(text.find('='), text.size());
  wire::FixedExtent fixed = {.dimension = text.substr(0, equals)};
  const std::string number = text.substr(std::min(equals + 1, text.size()));
  fixed.extent = parse_number<int64_t>(number).value_or(0);
  const auto symbol = ir::parse_symbol(fixed.dimension);
  if (fixed.extent > 0 && symbol && *symbol != ir::Symbol::none) return fixed;
  std::string known;
  for (const ir::SymbolRow& row : ir::symbols())
    if (row.symbol != ir::Symbol::none)
      known += fmt::format("{}{}", known.empty() ? "" : " ", row.name);
  return fail(Errc::bad_input, "--extent {}: wanted is NAME=N with one of {}, and N from 1", text,
              known);
}

Result<wire::Emission> emission_of(const ExportOptions& options) {
  wire::Emission emission = {.target = options.target, .folder = options.output.string()};
  for (const std::string& text : options.extents) {
    QB_TRY(wire::FixedExtent fixed, parse_extent(text));
    emission.extents.push_back(std::move(fixed));
  }
  return emission;
}

// By its name here, or by the framework's where only one version is.
Result<runner::Framework> find_framework(const std::string& name) {
  QB_TRY(const fs::path cache, cache_folder());
  std::vector<runner::Framework> matches;
  std::string known;
  for (runner::Framework& framework : runner::find_frameworks(cache / "logs" / "describe")) {
    known += fmt::format("{}{}", known.empty() ? "" : " ", framework.name);
    if (framework.name == name) return framework;
    if (base_framework(framework.name) == name) matches.push_back(std::move(framework));
  }
  if (matches.size() == 1) return matches.front();
  return fail(Errc::bad_input, "{} framework \"{}\"; there are: {}",
              matches.empty() ? "unknown" : "several versions of", name, known);
}

// That it can't run here doesn't matter.
Result<void> check_emits(const runner::Framework& framework) {
  if (!framework.emits.empty()) return {};
  if (!framework.is_available)
    return fail(Errc::unavailable, "{} is unavailable: {}; {}", framework.name, framework.reason,
                framework.remedy);
  return fail(Errc::unsupported,
              "the engine of {} emits no packages; `qbench frameworks` says "
              "which do",
              framework.name);
}

// What can be told before any work.
struct Wanted {
  std::string source;  // of the model, for qbench-prepare
  wire::Emission emission;
  runner::Framework framework;
};

Result<Json> emit(const ExportOptions& options, const Wanted& wanted) {
  QB_TRY(campaign::PreparationOptions processes, process_options("export"));
  processes.is_interrupted = &interruption();
  const bool is_quiet = options.quiet || options.json;
  QB_TRY(const Json facts, prepare({.model = wanted.source,
                                    .scheme = options.scheme,
                                    .thread_count = options.thread_count},
                                   processes, is_quiet));
  wire::Emission emission = wanted.emission;
  emission.bundle = facts["bundle"].as_string();
  StatusLine status(is_quiet);
  processes.tell = [&](std::string_view what) { status.show(what); };
  Result<Json> package = campaign::run_emission(wanted.framework, emission, processes);
  status.finish();
  QB_TRY(Json written,
         with_context(std::move(package), fmt::format("{} in {}", options.model, options.scheme)));
  return Json::object({{"folder", options.output.string()},
                       {"model", options.model},
                       {"scheme", options.scheme},
                       {"framework", wanted.framework.name},
                       {"version", wanted.framework.version},
                       {"bundle", emission.bundle},
                       {"package", std::move(written)}});
}

std::string bytes_text(const Json& count) { return format_quantity(count.as_double(), "B"); }

void print_text(const Json& exported) {
  const Json& package = exported["package"];
  say("{} in {} for {} {}\n", exported["model"].as_string(), exported["scheme"].as_string(),
      exported["framework"].as_string(), exported["version"].as_string());
  for (const auto& [name, note] : package["notes"].as_object())
    say("  {}: {}\n", name, note.is_string() ? note.as_string() : dump_json(note));
  for (const Json& file : package["files"].as_array())
    say("  {}  {}\n", file["name"].as_string(), bytes_text(file["bytes"]));
  say("package  {}, {} in all\n", exported["folder"].as_string(), bytes_text(package["bytes"]));
}

Result<Wanted> check(const ExportOptions& options) {
  Wanted wanted;
  QB_TRY(wanted.source, source_of(options.model));
  QB_TRY([[maybe_unused]] const quant::Scheme scheme, quant::find_scheme(options.scheme));
  QB_TRY(wanted.emission, emission_of(options));
  QB_CHECK(campaign::check_package_folder(options.output));
  QB_TRY(wanted.framework, find_framework(options.framework));
  QB_CHECK(check_emits(wanted.framework));
  return wanted;
}

}  // namespace

int export_model(const ExportOptions& options) {
  const auto code_of = [](const Error& error) {
    return interruption()                  ? exit_interrupted
           : error.code == Errc::bad_input ? exit_usage
                                           : exit_failed;
  };
  const Result<Wanted> wanted = check(options);
  if (!wanted) return refuse(wanted.error().message, code_of(wanted.error()));
  watch_interruption();
  const Result<Json> exported = emit(options, *wanted);
  if (!exported) return refuse(exported.error().message, code_of(exported.error()));
  if (options.json)
    say("{}\n", dump_json(*exported, 1));
  else
    print_text(*exported);
  return exit_ok;
}

}  // namespace qb::cli
