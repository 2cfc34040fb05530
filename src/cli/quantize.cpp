// `qbench quantize`.
#include <cstdio>
#include <filesystem>

#include "base/paths.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "compress/compress.h"
#include "prepare/model_source.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

std::string decibels(const std::optional<double>& value) {
  return value ? fmt::format("{:.1f}", *value) : "exact";
}

Json to_json(const compress::LayerError& error) {
  return Json::object(
      {{"parameter", error.parameter},
       {"roles", error.roles},
       {"stored_as", error.stored_as},
       {"weight_count", error.weight_count},
       {"stored_bytes", error.stored_bytes},
       {"sqnr_db", error.sqnr_db ? Json(*error.sqnr_db) : Json()},
       {"output_sqnr_db", error.output_sqnr_db ? Json(*error.output_sqnr_db) : Json()}});
}

void print_table(const std::vector<compress::LayerError>& errors) {
  size_t width = 9;
  bool has_outputs = false;
  for (const compress::LayerError& error : errors) {
    width = std::max(width, error.parameter.size());
    has_outputs = has_outputs || error.output_sqnr_db.has_value();
  }
  const int name_width = static_cast<int>(width);
  std::printf("%-*s  %-16s %-8s %10s %10s", name_width, "weight", "role", "stored", "size",
              "SQNR dB");
  std::printf(has_outputs ? " %10s\n" : "\n", "output dB");
  for (const compress::LayerError& error : errors) {
    std::printf("%-*s  %-16s %-8s %10s %10s", name_width, error.parameter.c_str(),
                error.roles.c_str(), error.stored_as.c_str(),
                format_quantity(static_cast<double>(error.stored_bytes), "B").c_str(),
                decibels(error.sqnr_db).c_str());
    std::printf(has_outputs ? " %10s\n" : "\n",
                error.output_sqnr_db ? decibels(error.output_sqnr_db).c_str() : "-");
  }
}

// A copy of the bundle under a name of the user's.
Result<void> copy_bundle(const fs::path& folder, const fs::path& target) {
  std::error_code error;
  if (fs::exists(target))
    return fail(Errc::bad_input, "{}: is there already; name a new folder", target.string());
  fs::create_directories(target.parent_path(), error);
  fs::copy(folder, target, fs::copy_options::recursive, error);
  if (error) return fail(Errc::io, "{}: cannot copy: {}", target.string(), error.message());
  return {};
}

Result<void> quantize(const QuantizeOptions& options) {
  QB_TRY(const prepare::ModelSource source, prepare::open_model(options.model, data_folder()));
  QB_TRY(const quant::Scheme scheme, quant::find_scheme(options.scheme));
  QB_TRY(compress::Job job, prepare::bundle_job(source, scheme, data_folder(), cache_folder()));
  if (options.thread_count > 0) job.thread_count = options.thread_count;
  ShareBar bar(options.quiet || options.json);
  job.tell = [&](std::string_view what, double share) { bar.show(what, share); };
  QB_TRY(const fs::path folder, compress::build_bundle(job));
  QB_TRY(const std::vector<compress::LayerError> errors, compress::layer_errors(job, folder));
  bar.finish();
  if (!options.output.empty()) QB_CHECK(copy_bundle(folder, options.output));
  const fs::path place = options.output.empty() ? folder : options.output;
  int64_t weight_count = 0;
  int64_t stored_bytes = 0;
  Json::Array list;
  for (const compress::LayerError& error : errors) {
    weight_count += error.weight_count;
    stored_bytes += error.stored_bytes;
    list.push_back(to_json(error));
  }
  const double bits = weight_count == 0 ? 0.0
                                        : static_cast<double>(stored_bytes) * 8.0 /
                                              static_cast<double>(weight_count);
  if (options.json) {
    std::printf("%s\n", dump_json(Json::object({{"bundle", place.string()},
                                                {"hash", folder.filename().string()},
                                                {"scheme", scheme.name},
                                                {"bits_per_weight", bits},
                                                {"layers", std::move(list)}}),
                                  1)
                            .c_str());
    return {};
  }
  print_table(errors);
  std::printf("\n%s in %s: %zu weights quantized, %s, %.2f bits per weight\n",
              options.model.c_str(), scheme.name.c_str(), errors.size(),
              format_quantity(static_cast<double>(stored_bytes), "B").c_str(), bits);
  if (job.calibration)
    std::printf("calibrated on %s (%lld items, hash %s)\n", job.calibration->name.c_str(),
                static_cast<long long>(job.calibration->item_count),
                job.calibration->content_hash.c_str());
  std::printf("bundle  %s\n", place.c_str());
  return {};
}

}  // namespace

int quantize_model(const QuantizeOptions& options) {
  const Result<void> done = quantize(options);
  return done ? exit_ok : refuse(done.error().message);
}

}  // namespace qb::cli
