// `qbench quantize`: qbench-prepare does it, this shows what it tells.
#include <cstdio>
#include <filesystem>

#include "base/output.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/own_models.h"
#include "cli/prepare.h"
#include "compression/bundle/copy.h"
#include "compression/quant/scheme.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

std::string decibels(const Json& value) {
  return value.is_number() ? fmt::format("{:.1f}", value.as_double()) : "exact";
}

std::string bytes_text(const Json& count) { return format_quantity(count.as_double(), "B"); }

void print_table(const Json::Array& layers) {
  size_t width = 9;
  bool has_outputs = false;
  for (const Json& layer : layers) {
    width = std::max(width, layer["parameter"].as_string().size());
    has_outputs = has_outputs || layer["output_sqnr_db"].is_number();
  }
  const auto line = [&](const auto& name, const auto& role, const auto& stored, const auto& size,
                        const auto& loss, const auto& output_loss) {
    fmt::print("{:<{}}  {:<16} {:<8} {:>10} {:>10}", name, width, role, stored, size, loss);
    if (has_outputs) fmt::print(" {:>10}", output_loss);
    fmt::print("\n");
  };
  line("weight", "role", "stored", "size", "SQNR dB", "output dB");
  for (const Json& layer : layers)
    line(layer["parameter"].as_string(), layer["roles"].as_string(), layer["stored_as"].as_string(),
         bytes_text(layer["stored_bytes"]), decibels(layer["sqnr_db"]),
         layer["output_sqnr_db"].is_number() ? decibels(layer["output_sqnr_db"]) : "-");
}

// Before the work: the bundle will be copied to a folder that doesn't exist yet.
Result<void> check_target(const fs::path& target) {
  if (target.empty()) return {};
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(target, ignored)))
    return fail(Errc::bad_input, "{}: is there already; name a new folder", target.string());
  return check_output(target);
}

// Of the quantized weights; of all parameters where none is quantized.
struct Size {
  int64_t weight_count = 0;
  int64_t stored_bytes = 0;

  double bits_per_weight() const {
    return static_cast<double>(stored_bytes) * 8.0 / static_cast<double>(weight_count);
  }
};

Size size_of(const Json& facts) {
  const Json& stored = facts["stored"];
  if (facts["layers"].as_array().empty())
    return {stored["element_count"].as_int(), stored["bytes"].as_int()};
  Size size;
  for (const Json& layer : facts["layers"].as_array()) {
    size.weight_count += layer["weight_count"].as_int();
    size.stored_bytes += layer["stored_bytes"].as_int();
  }
  return size;
}

void print_text(const QuantizeOptions& options, const Json& facts, const fs::path& place) {
  const Json::Array& layers = facts["layers"].as_array();
  const Json& stored = facts["stored"];
  if (!layers.empty()) print_table(layers);
  const Size size = size_of(facts);
  fmt::print("\n{} in {}: {}, {}, {:.2f} bits per weight\n", options.model, options.scheme,
             layers.empty() ? fmt::format("none of {} parameters quantized",
                                          stored["parameter_count"].as_int())
                            : fmt::format("{} weights quantized", layers.size()),
             bytes_text(size.stored_bytes), size.bits_per_weight());
  if (const Json& set = facts["calibration"]; !set.is_null())
    fmt::print("calibrated on {} ({} items, hash {})\n", set["name"].as_string(),
               set["item_count"].as_int(), set["content_hash"].as_string());
  fmt::print("bundle  {}, {} in all\n", place.string(), bytes_text(stored["bytes"]));
}

Result<void> quantize(const QuantizeOptions& options) {
  QB_TRY([[maybe_unused]] const quant::Scheme scheme, quant::find_scheme(options.scheme));
  QB_CHECK(check_target(options.output));
  QB_TRY(std::string source, source_of(options.model));
  QB_TRY(campaign::PreparationOptions processes, process_options("quantize"));
  QB_TRY(const Json facts, prepare({.model = std::move(source),
                                    .scheme = options.scheme,
                                    .thread_count = options.thread_count,
                                    .with_layer_errors = true},
                                   std::move(processes), options.quiet || options.json));
  const fs::path folder = facts["bundle"].as_string();
  fs::path place = folder;
  if (!options.output.empty()) {
    QB_TRY(place, bundle::copy_model(folder, options.output));
  }
  if (!options.json) {
    print_text(options, facts, place);
    return {};
  }
  fmt::print("{}\n", dump_json(Json::object({{"bundle", place.string()},
                                             {"hash", folder.filename().string()},
                                             {"scheme", options.scheme},
                                             {"bits_per_weight", size_of(facts).bits_per_weight()},
                                             {"stored", facts["stored"]},
                                             {"layers", facts["layers"]}}),
                               1));
  return {};
}

}  // namespace

int quantize_model(const QuantizeOptions& options) {
  const Result<void> done = quantize(options);
  return done ? exit_ok : refuse(done.error().message);
}

}  // namespace qb::cli
