// `qbench doctor`, `schemes`, `frameworks`, `metrics`.
#include <cstdio>

#include "base/paths.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/zoo.h"
#include "compression/quant/quantize.h"
#include "compression/quant/scheme.h"
#include "compression/quant/table.h"
#include "measurement/probes/condition.h"
#include "measurement/probes/host.h"
#include "network/models/models.h"
#include "orchestration/runner/frameworks.h"
#include "results/metrics/metrics.h"
#include "results/report/report.h"

namespace qb::cli {
namespace {

int print_json(const Json& json) {
  std::printf("%s\n", dump_json(json, 1).c_str());
  return exit_ok;
}

Json to_json(const runner::Framework& framework) {
  Json::Array devices;
  for (const runner::Device& device : framework.devices)
    devices.push_back(Json::object(
        {{"name", device.name}, {"available", device.is_available}, {"reason", device.reason}}));
  return Json::object({{"name", framework.name},
                       {"title", framework.title},
                       {"available", framework.is_available},
                       {"version", framework.version},
                       {"reason", framework.reason},
                       {"remedy", framework.remedy},
                       {"devices", std::move(devices)},
                       {"emits", framework.emits},
                       {"description", framework.description}});
}

Json frameworks_json(const std::vector<runner::Framework>& frameworks) {
  Json::Array array;
  for (const runner::Framework& framework : frameworks) array.push_back(to_json(framework));
  return array;
}

// Also of one that can't run here.
void print_emits(const runner::Framework& framework) {
  if (!framework.emits.empty()) std::printf("%13s emits: %s\n", "", framework.emits.c_str());
}

void print_framework(const runner::Framework& framework) {
  if (!framework.is_available) {
    std::printf("%-13s unavailable: %s\n%13s remedy: %s\n", framework.name.c_str(),
                framework.reason.c_str(), "", framework.remedy.c_str());
    print_emits(framework);
    return;
  }
  std::printf("%-13s %s %s\n", framework.name.c_str(), framework.title.c_str(),
              framework.version.c_str());
  for (const auto& [key, value] : framework.description["facts"].as_object())
    std::printf("%13s %s: %s\n", "", key.c_str(),
                value.is_string() ? value.as_string().c_str() : dump_json(value).c_str());
  print_emits(framework);
  for (const runner::Device& device : framework.devices)
    std::printf("%13s device %s: %s\n", "", device.name.c_str(),
                device.is_available ? "available" : ("unavailable: " + device.reason).c_str());
}

// Stored bits for each weight of a 4096 x 4096 matrix: codes, scales and zero points.
double effective_bits(const quant::Scheme& scheme) {
  switch (scheme.weight_type) {
    case quant::WeightType::block:
      return ggml::row_of(scheme.block).bits_per_weight();
    case quant::WeightType::micro:
      return quant::row_of(scheme.micro).bits_per_weight();
    case quant::WeightType::mixed:
      return scheme.target_bits;
    case quant::WeightType::integer:
      return static_cast<double>(quant::layout_for(scheme, 4096, 4096).total_bytes()) * 8.0 /
             (4096.0 * 4096.0);
    case quant::WeightType::table: {
      const quant::TableLayout layout =
          quant::table_layout(4096, 4096, scheme.weight_bits, scheme.group_size);
      return scheme.weight_bits +
             static_cast<double>(layout.entry_total()) * 16.0 / (4096.0 * 4096.0);
    }
    default:
      return scheme.weight_bits;
  }
}

// {"onnxruntime": "linear: …"}: how each framework that is here runs the scheme's base.
Json support_of(const quant::Scheme& scheme, const std::vector<runner::Framework>& frameworks) {
  Json support = Json::object({});
  for (const runner::Framework& framework : frameworks) {
    const Json& how = framework.description["schemes"][quant::base_of(scheme).name];
    if (framework.is_available && how.is_string()) support.set(framework.name, how);
  }
  return support;
}

Result<std::vector<runner::Framework>> frameworks_here() {
  QB_TRY(const std::filesystem::path cache, cache_folder());
  return runner::find_frameworks(cache / "logs" / "describe");
}

void print_facts(const char* title, const Json& facts) {
  std::printf("%s\n", title);
  for (const auto& [key, value] : facts.as_object())
    std::printf("  %-18s %s\n", key.c_str(), report::host_value_text(key, value).c_str());
}

Result<Json> folders_json() {
  QB_TRY(const std::filesystem::path cache, cache_folder());
  QB_TRY(const std::filesystem::path store, store_path({}));
  return Json::object({{"data", data_folder().lexically_normal().string()},
                       {"cache", cache.string()},
                       {"results", store.string()}});
}

}  // namespace

int doctor(bool json) {
  const Json host = probes::describe_host();
  const Json condition = probes::describe_condition();
  const Result<Json> folders = folders_json();
  if (!folders) return refuse(folders.error().message);
  const auto frameworks = frameworks_here();
  if (!frameworks) return refuse(frameworks.error().message);
  Json models = Json::object({});
  for (const models::Model& model : models::models()) models.set(model.name, weights_state(model));
  if (json)
    return print_json(Json::object({{"host", host},
                                    {"condition", condition},
                                    {"folders", *folders},
                                    {"frameworks", frameworks_json(*frameworks)},
                                    {"models", models}}));
  print_facts("This machine", host);
  print_facts("\nIts state now", condition);
  std::printf("\nFolders\n");
  for (const auto& [key, value] : folders->as_object())
    std::printf("  %-18s %s\n", key.c_str(), value.as_string().c_str());
  std::printf("\nFrameworks\n");
  for (const runner::Framework& framework : *frameworks) print_framework(framework);
  std::printf("\nModels\n");
  for (const auto& [name, state] : models.as_object())
    std::printf("  %-18s %s\n", name.c_str(), state.as_string().c_str());
  return exit_ok;
}

int list_schemes(bool json) {
  const auto frameworks = frameworks_here();
  if (!frameworks) return refuse(frameworks.error().message);
  Json::Array array;
  for (const quant::Scheme& scheme : quant::schemes()) {
    const Json support = support_of(scheme, *frameworks);
    const std::string roles = quant::describe_roles(scheme.roles());
    if (json) {
      array.push_back(Json::object({{"name", scheme.name},
                                    {"summary", scheme.summary},
                                    {"bits_per_weight", effective_bits(scheme)},
                                    {"quantizes", roles},
                                    {"needs_calibration", scheme.needs_calibration()},
                                    {"frameworks", support}}));
      continue;
    }
    std::printf("%-20s %5.2f bits/weight  %s\n%20s quantizes %s\n", scheme.name.c_str(),
                effective_bits(scheme), scheme.summary.c_str(), "", roles.c_str());
    if (scheme.name != quant::base_of(scheme).name) continue;  // its base says how
    for (const auto& [name, how] : support.as_object())
      std::printf("%20s %s: %s\n", "", name.c_str(), how.as_string().c_str());
  }
  if (!json)
    std::printf(
        "\nBits are those of a 4096 x 4096 matrix, scales and zero points included. Norms and "
        "biases stay fp32.\nA scheme is base[:calibration][+option]...: these are the bases and "
        "some combinations, others can be named.\n");
  return json ? print_json(array) : exit_ok;
}

int list_frameworks(bool json) {
  const auto frameworks = frameworks_here();
  if (!frameworks) return refuse(frameworks.error().message);
  if (json) return print_json(frameworks_json(*frameworks));
  for (const runner::Framework& framework : *frameworks) print_framework(framework);
  return exit_ok;
}

int list_metrics(bool json) {
  Json::Array array;
  for (const metrics::Metric& metric : metrics::metrics()) {
    if (json)
      array.push_back(Json::object({{"name", metric.name},
                                    {"unit", metric.unit},
                                    {"better", metrics::name_of(metric.better)},
                                    {"summary", metric.summary}}));
    else
      std::printf("%-27s %-11s %-7s %s\n", std::string(metric.name).c_str(),
                  std::string(metric.unit).c_str(), std::string(name_of(metric.better)).c_str(),
                  std::string(metric.summary).c_str());
  }
  return json ? print_json(array) : exit_ok;
}

}  // namespace qb::cli
