#include "orchestration/campaign/materials.h"

#include "base/paths.h"
#include "compression/bundle/code_hash.h"
#include "compression/bundle/tensor_file.h"
#include "orchestration/campaign/preparation.h"
#include "orchestration/runner/frameworks.h"
#include "orchestration/runner/launch.h"

namespace qb::campaign {
namespace fs = std::filesystem;
namespace {

constexpr int64_t baseline_limit_ns = 1'800'000'000'000;

}  // namespace

Result<Json> Materials::prepare(const std::string& model, const std::string& scheme) const {
  return run_preparation(
      {model, scheme, settings_.data_folder.string(), settings_.cache_folder.string()},
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
  QualityMaterial material = {.dataset = facts["dataset"]};
  Result<fs::path> baseline = make_baseline(model, material.dataset);
  if (baseline)
    material.baseline = *std::move(baseline);
  else
    material.baseline_problem = baseline.error().message;
  return material;
}

// The reference interpreter's logits of the fp32 weights, kept by what they depend on.
Result<fs::path> Materials::make_baseline(const std::string& model, const Json& dataset) {
  const Result<BundleMaterial>& fp32 = bundle(model, "fp32");
  if (!fp32) return tl::unexpected(fp32.error());
  const fs::path folder = settings_.cache_folder / "baselines";
  const std::string recipe =
      fmt::format("{}-{}", fp32->folder.filename().string(), dataset["content_hash"].as_string());
  const fs::path file =
      folder / fmt::format("{}.tensors", bundle::recipe_key(recipe, bundle::code_of_baselines()));
  // One that isn't whole is made anew.
  if (bundle::TensorFile::open(file)) return file;
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  tell_(fmt::format("reference answers of {}", fp32->source["name"].as_string()));
  const Launch launch =
      runner::run_launch({.is_quality = true,
                          .bundle = fp32->folder.string(),
                          .task = fp32->source["task"].as_string(),
                          .limits = settings_.limits,
                          .dataset = dataset["file"].as_string(),
                          .baseline_output = file.string()},
                         {.worker = runner::worker_path("reference"),
                          .log_folder = settings_.log_folder,
                          .name = fmt::format("{}.baseline", fp32->source["name"].as_string()),
                          .time_limit_ns = baseline_limit_ns,
                          .is_interrupted = settings_.is_interrupted});
  if (launch.outcome != Outcome::ok)
    return fail(Errc::unavailable, "the reference answers could not be made: {}", launch.reason);
  return file;
}

}  // namespace qb::campaign
