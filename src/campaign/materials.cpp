#include "campaign/materials.h"

#include "quant/scheme.h"
#include "runner/frameworks.h"
#include "runner/launch.h"

namespace qb::campaign {
namespace fs = std::filesystem;

const Result<prepare::ModelSource>& Materials::model(const std::string& name) {
  const auto found = models_.find(name);
  if (found != models_.end()) return found->second;
  return models_.emplace(name, prepare::open_model(name, folders_.data)).first->second;
}

const Result<fs::path>& Materials::bundle(const std::string& model_name,
                                          const std::string& scheme_name) {
  const std::string key = fmt::format("{}/{}", model_name, scheme_name);
  const auto found = bundles_.find(key);
  if (found != bundles_.end()) return found->second;
  const auto make = [&]() -> Result<fs::path> {
    const Result<prepare::ModelSource>& source = model(model_name);
    if (!source) return tl::unexpected(source.error());
    QB_TRY(const quant::Scheme scheme, quant::find_scheme(scheme_name));
    const std::string what = fmt::format("{} in {}", model_name, scheme_name);
    tell_(what);
    return prepare::prepare_bundle(*source, scheme, folders_.data, folders_.cache, {});
  };
  return bundles_.emplace(key, make()).first->second;
}

const Result<QualityMaterial>& Materials::quality(const std::string& model_name) {
  const auto found = qualities_.find(model_name);
  if (found != qualities_.end()) return found->second;
  return qualities_.emplace(model_name, make_quality(model_name)).first->second;
}

Result<QualityMaterial> Materials::make_quality(const std::string& model_name) {
  const Result<prepare::ModelSource>& source = model(model_name);
  if (!source) return tl::unexpected(source.error());
  QualityMaterial material;
  tell_(fmt::format("data for {}", model_name));
  QB_TRY(material.dataset, prepare::prepare_dataset(*source, folders_.data, folders_.cache));
  Result<fs::path> baseline = make_baseline(model_name, material.dataset);
  if (baseline)
    material.baseline = *std::move(baseline);
  else
    material.baseline_problem = baseline.error().message;
  return material;
}

// The reference interpreter's logits of the fp32 weights, kept by what they depend on.
Result<fs::path> Materials::make_baseline(const std::string& model_name,
                                          const prepare::Dataset& dataset) {
  const Result<fs::path>& bundle_folder = bundle(model_name, "fp32");
  if (!bundle_folder) return tl::unexpected(bundle_folder.error());
  const fs::path folder = folders_.cache / "baselines";
  const fs::path file = folder / fmt::format("{}-{}.tensors", bundle_folder->filename().string(),
                                             dataset.content_hash);
  if (fs::exists(file)) return file;
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  tell_(fmt::format("reference answers of {}", model_name));
  const Launch launch = runner::run_launch({.is_quality = true,
                                            .bundle = bundle_folder->string(),
                                            .dataset = dataset.file.string(),
                                            .baseline_output = file.string()},
                                           {.worker = runner::worker_path("reference"),
                                            .log_folder = folders_.logs,
                                            .name = fmt::format("{}.baseline", model_name),
                                            .time_limit_ns = 1'800'000'000'000});
  if (launch.outcome != Outcome::ok)
    return fail(Errc::unavailable, "the reference answers could not be made: {}", launch.reason);
  return file;
}

}  // namespace qb::campaign
