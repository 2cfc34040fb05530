#include "orchestration/campaign/materials.h"

#include "base/paths.h"
#include "compression/bundle/code_hash.h"
#include "compression/bundle/outline.h"
#include "compression/bundle/tensor_file.h"
#include "measurement/probes/allowance.h"
#include "orchestration/campaign/preparation.h"
#include "orchestration/plan/plan.h"
#include "orchestration/runner/frameworks.h"
#include "orchestration/runner/launch.h"

namespace qb::campaign {
namespace fs = std::filesystem;
namespace {

constexpr int64_t baseline_limit_ns = 1'800'000'000'000;

// The unquantized weights as fp32, or where those would take more than half of the memory as the
// checkpoint has them, which are decoded a layer at a time.
std::string baseline_scheme_of(const bundle::Outline& outline) {
  const auto fp32 = stored_bytes_of(outline, *quant::find_scheme("fp32"));
  const int64_t memory_bytes = probes::usable_memory_bytes();
  return fp32 && memory_bytes > 0 && *fp32 > memory_bytes / 2 ? "as-is" : "fp32";
}

}  // namespace

Result<Json> Materials::prepare(const std::string& model, const std::string& scheme) const {
  return run_preparation({.model = model,
                          .scheme = scheme,
                          .data_folder = settings_.data_folder.string(),
                          .cache_folder = settings_.cache_folder.string(),
                          .text_file = settings_.text_file.string(),
                          .images = settings_.images.string()},
                         {settings_.log_folder, settings_.limits, settings_.is_interrupted, tell_});
}

const Result<BundleMaterial>& Materials::bundle(const std::string& model,
                                                const std::string& scheme) {
  const std::string key = fmt::format("{}/{}", model, scheme);
  const auto found = bundles_.find(key);
  if (found != bundles_.end()) return found->second;
  return bundles_.emplace(key, make_bundle(model, scheme)).first->second;
}

Result<BundleMaterial> Materials::make_bundle(const std::string& model,
                                              const std::string& scheme) const {
  QB_TRY(const Json facts, prepare(model, scheme));
  return BundleMaterial{facts["bundle"].as_string(), facts["source"]};
}

const Result<QualityMaterial>& Materials::quality(const std::string& model) {
  const auto found = qualities_.find(model);
  if (found != qualities_.end()) return found->second;
  return qualities_.emplace(model, make_quality(model)).first->second;
}

Result<QualityMaterial> Materials::make_quality(const std::string& model) {
  QB_TRY(const Json facts, prepare(model, ""));
  QB_TRY(const bundle::Outline outline, bundle::outline_from_json(facts["source"]["outline"]));
  QualityMaterial material = {.dataset = facts["dataset"],
                              .baseline_scheme = baseline_scheme_of(outline)};
  const bool is_large = outline.weight_count() > plan::large_weight_count;
  Result<fs::path> baseline = make_baseline(model, material.dataset, material.baseline_scheme,
                                            is_large ? plan::large_item_count : 0);
  if (baseline)
    material.baseline = *std::move(baseline);
  else
    material.baseline_problem = baseline.error().message;
  return material;
}

// The reference interpreter's logits of the unquantized weights, kept by what they depend on.
Result<fs::path> Materials::make_baseline(const std::string& model, const Json& dataset,
                                          const std::string& scheme, int64_t item_count_max) {
  const Result<BundleMaterial>& weights = bundle(model, scheme);
  if (!weights) return tl::unexpected(weights.error());
  const fs::path folder = settings_.cache_folder / "baselines";
  const std::string recipe = fmt::format(
      "{}-{}{}", weights->folder.filename().string(), dataset["content_hash"].as_string(),
      item_count_max > 0 ? fmt::format("-{}", item_count_max) : "");
  const fs::path file =
      folder / fmt::format("{}.tensors", bundle::recipe_key(recipe, bundle::code_of_baselines()));
  // One that isn't whole is made anew.
  if (bundle::TensorFile::open(file)) return file;
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  tell_(fmt::format("reference answers of {}", weights->source["name"].as_string()));
  const Launch launch =
      runner::run_launch({.is_quality = true,
                          .bundle = weights->folder.string(),
                          .task = weights->source["task"].as_string(),
                          .limits = settings_.limits,
                          .dataset = dataset["file"].as_string(),
                          .baseline_output = file.string(),
                          .item_count_max = item_count_max},
                         {.worker = runner::worker_path("reference"),
                          .log_folder = settings_.log_folder,
                          .name = fmt::format("{}.baseline", weights->source["name"].as_string()),
                          .time_limit_ns = baseline_limit_ns,
                          .is_interrupted = settings_.is_interrupted});
  if (launch.outcome != Outcome::ok)
    return fail(Errc::unavailable, "the reference answers could not be made: {}", launch.reason);
  return file;
}

}  // namespace qb::campaign
