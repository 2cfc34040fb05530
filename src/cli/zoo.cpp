// `qbench zoo`.
#include "cli/zoo.h"

#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/paths.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/hub_rows.h"
#include "cli/terminal.h"
#include "measurement/probes/allowance.h"
#include "orchestration/plan/need.h"
#include "task/task.h"

namespace qb::cli {
namespace {

// What the listing tells of each model. Any other scheme can be named.
constexpr std::string_view listed_schemes[] = {"fp32", "w8c", "w4g32", "w4g64"};
// The framework that takes the most memory, so that the figure holds for all.
constexpr std::string_view listed_framework = "onnxruntime";
constexpr int64_t listed_launches = 5;
constexpr int64_t rounds_per_launch = 2;

std::filesystem::path weights_path(const models::Model& model) {
  return data_folder() / model.weights_file;
}

struct Variant {
  std::string_view scheme;
  plan::Need need;
  double seconds = 0.0;
  std::string misfit;
};

double seconds_of(const bundle::Outline& outline, const plan::Need& need, const task::Task& task,
                  const Workload& workload) {
  return plan::preparing_seconds(outline, workload.thread_count()) +
         listed_launches * plan::launch_seconds(outline, need, task, workload, rounds_per_launch);
}

std::vector<Variant> variants_of(const plan::PlannedModel& model) {
  const task::Task& task = task::row_of(model.task);
  const Workload workload = plan::workloads_of(task, {}, probes::default_thread_count()).front();
  std::vector<Variant> variants;
  for (const std::string_view name : listed_schemes) {
    const Result<quant::Scheme> scheme = quant::find_scheme(name);
    if (!scheme) continue;
    const auto need = plan::need_of(model.outline, *scheme, listed_framework, task, workload);
    if (!need) continue;
    variants.push_back({name, *need, seconds_of(model.outline, *need, task, workload),
                        plan::misfit_of(*need, probes::usable_memory_bytes())});
  }
  return variants;
}

std::string source_of_weights(const models::Model& model) {
  if (!model.repository.empty()) return model.repository;
  return model.weights_file.empty() ? "synthetic" : "./qb setup";
}

bool are_here(const models::Model& model) {
  if (!model.repository.empty()) return find_weights(model).has_value();
  std::error_code ignored;
  return model.weights_file.empty() || std::filesystem::exists(weights_path(model), ignored);
}

Json to_json(const Variant& variant) {
  return Json::object({{"scheme", variant.scheme},
                       {"stored_bytes", variant.need.bundle_bytes},
                       {"memory_bytes_estimated", variant.need.worker_bytes},
                       {"seconds_estimated", variant.seconds},
                       {"misfit", variant.misfit}});
}

Json to_json(const models::Model& model, const plan::PlannedModel& planned) {
  Json::Array variants;
  for (const Variant& variant : variants_of(planned)) variants.push_back(to_json(variant));
  return Json::object({{"name", model.name},
                       {"summary", model.summary},
                       {"task", model.task},
                       {"weights", weights_state(model)},
                       {"weight_count", planned.outline.weight_count()},
                       {"licence", model.licence},
                       {"source", source_of_weights(model)},
                       {"is_here", are_here(model)},
                       {"variants", std::move(variants)}});
}

std::string quantity(double value, const char* unit) { return format_quantity(value, unit); }

void print_model(const models::Model& model, const plan::PlannedModel& planned) {
  say("{:<18} {}\n", model.name, model.summary);
  const std::string licence = model.licence.empty() ? "" : ", licence " + model.licence;
  say("{:>18} {:.4g} million weights{}; {}\n", "",
      static_cast<double>(planned.outline.weight_count()) / 1e6, licence, weights_state(model));
  for (const Variant& variant : variants_of(planned))
    say("{:>18} {:<6} {:>9} stored, {:>9} of memory, {:>8}{}\n", "", variant.scheme,
        quantity(static_cast<double>(variant.need.bundle_bytes), "B"),
        quantity(static_cast<double>(variant.need.worker_bytes), "B"),
        quantity(variant.seconds * 1e9, "ns"),
        variant.misfit.empty() ? "" : "; too large for this machine");
}

}  // namespace

std::string weights_state(const models::Model& model) {
  if (models::is_synthetic(model)) return "synthetic weights (none are known)";
  if (!model.repository.empty())
    return find_weights(model)
               ? fmt::format("pretrained weights are here ({})", model.repository)
               : fmt::format(
                     "pretrained weights are not here: `qbench fetch {}` brings them, "
                     "{}@synthetic needs none",
                     model.repository, model.name);
  if (are_here(model)) return "pretrained weights are here";
  return fmt::format("pretrained weights are missing ({}); ./qb setup brings them",
                     weights_path(model).lexically_normal().string());
}

int list_models(bool json) {
  Json::Array array;
  for (const models::Model& model : models::models()) {
    const Result<plan::PlannedModel> planned = plan::planned_model(model.name);
    if (!planned) return refuse(planned.error().message);
    if (json)
      array.push_back(to_json(model, *planned));
    else
      print_model(model, *planned);
  }
  if (json)
    std::printf("%s\n", dump_json(array, 1).c_str());
  else
    std::printf(
        "\nMemory and time are estimates from the shapes, by the rule of docs/usage.md: a launch "
        "on ONNX Runtime, and %d launches of the usual workload on this machine.\n"
        "NAME@synthetic is any of these with seeded weights: its speed, memory and numerics are "
        "real, its quality is not.\n",
        static_cast<int>(listed_launches));
  return exit_ok;
}

}  // namespace qb::cli
