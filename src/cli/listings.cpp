// `qbench doctor`, `zoo`, `schemes`, `frameworks`, `metrics`.
#include <cstdio>

#include "base/paths.h"
#include "base/units.h"
#include "cli/commands.h"
#include "metrics/metrics.h"
#include "models/models.h"
#include "probes/host.h"
#include "quant/quantize.h"
#include "quant/scheme.h"
#include "runner/frameworks.h"

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
                       {"description", framework.description}});
}

Json frameworks_json(const std::vector<runner::Framework>& frameworks) {
  Json::Array array;
  for (const runner::Framework& framework : frameworks) array.push_back(to_json(framework));
  return array;
}

void print_framework(const runner::Framework& framework) {
  if (!framework.is_available) {
    std::printf("%-13s unavailable: %s\n%13s remedy: %s\n", framework.name.c_str(),
                framework.reason.c_str(), "", framework.remedy.c_str());
    return;
  }
  std::printf("%-13s %s %s\n", framework.name.c_str(), framework.title.c_str(),
              framework.version.c_str());
  for (const auto& [key, value] : framework.description["facts"].as_object())
    std::printf("%13s %s: %s\n", "", key.c_str(),
                value.is_string() ? value.as_string().c_str() : dump_json(value).c_str());
  for (const runner::Device& device : framework.devices)
    std::printf("%13s device %s: %s\n", "", device.name.c_str(),
                device.is_available ? "available" : ("unavailable: " + device.reason).c_str());
}

std::filesystem::path weights_path(const models::Model& model) {
  return data_folder() / model.weights_file;
}

std::string weights_state(const models::Model& model) {
  if (model.weights_file.empty()) return "synthetic weights (none are known)";
  if (std::filesystem::exists(weights_path(model))) return "pretrained weights are here";
  return fmt::format("pretrained weights are missing ({}); ./qb setup brings them",
                     weights_path(model).lexically_normal().string());
}

// Stored bits for each weight of a 4096 x 4096 matrix: codes, scales and zero points.
double effective_bits(const quant::Scheme& scheme) {
  if (scheme.weight_type != quant::WeightType::integer) return scheme.weight_bits;
  const quant::PackedLayout layout = quant::layout_for(scheme, 4096, 4096);
  const size_t bytes = layout.code_bytes() + layout.scale_count() * 4 + layout.zero_point_bytes();
  return static_cast<double>(bytes) * 8.0 / (4096.0 * 4096.0);
}

std::vector<runner::Framework> frameworks_here() {
  return runner::find_frameworks(cache_folder() / "logs" / "describe");
}

}  // namespace

int doctor(bool json) {
  const Json host = probes::describe_host();
  const auto frameworks = frameworks_here();
  Json models = Json::object({});
  for (const models::Model& model : models::models()) models.set(model.name, weights_state(model));
  const Json folders = Json::object({{"data", data_folder().lexically_normal().string()},
                                     {"cache", cache_folder().string()},
                                     {"results", default_store().string()}});
  if (json)
    return print_json(Json::object({{"host", host},
                                    {"folders", folders},
                                    {"frameworks", frameworks_json(frameworks)},
                                    {"models", models}}));
  std::printf("This machine\n");
  for (const auto& [key, value] : host.as_object())
    std::printf("  %-18s %s\n", key.c_str(),
                value.is_string()       ? value.as_string().c_str()
                : key == "memory_bytes" ? format_quantity(value.as_double(), "B").c_str()
                                        : dump_json(value).c_str());
  std::printf("\nFolders\n");
  for (const auto& [key, value] : folders.as_object())
    std::printf("  %-18s %s\n", key.c_str(), value.as_string().c_str());
  std::printf("\nFrameworks\n");
  for (const runner::Framework& framework : frameworks) print_framework(framework);
  std::printf("\nModels\n");
  for (const auto& [name, state] : models.as_object())
    std::printf("  %-18s %s\n", name.c_str(), state.as_string().c_str());
  return exit_ok;
}

int list_models(bool json) {
  Json::Array array;
  for (const models::Model& model : models::models()) {
    if (json)
      array.push_back(Json::object({{"name", model.name},
                                    {"summary", model.summary},
                                    {"task", models::name_of(model.task)},
                                    {"weights", weights_state(model)}}));
    else
      std::printf("%-18s %s\n%18s %s\n", std::string(model.name).c_str(),
                  std::string(model.summary).c_str(), "", weights_state(model).c_str());
  }
  return json ? print_json(array) : exit_ok;
}

int list_schemes(bool json) {
  Json::Array array;
  for (const quant::Scheme& scheme : quant::schemes()) {
    if (json)
      array.push_back(Json::object({{"name", scheme.name},
                                    {"summary", scheme.summary},
                                    {"weight_bits", scheme.weight_bits},
                                    {"group_size", scheme.group_size},
                                    {"symmetric", scheme.symmetric},
                                    {"bits_per_weight", effective_bits(scheme)}}));
    else
      std::printf("%-8s %5.2f bits/weight  %s\n", std::string(scheme.name).c_str(),
                  effective_bits(scheme), std::string(scheme.summary).c_str());
  }
  if (!json)
    std::printf(
        "\nQuantized are the weights of linear, convolution, embedding and head; norms and "
        "biases stay fp32.\nBits are those of a 4096 x 4096 matrix, scales and zero points "
        "included.\n");
  return json ? print_json(array) : exit_ok;
}

int list_frameworks(bool json) {
  const auto frameworks = frameworks_here();
  if (json) return print_json(frameworks_json(frameworks));
  for (const runner::Framework& framework : frameworks) print_framework(framework);
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
