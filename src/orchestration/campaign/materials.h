// What the launches of a run need on disk, prepared before anything is timed: by qbench-prepare, a
// process of its own under the limits of workers, since weight files may come from anywhere.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "measurement/wire/request.h"

namespace qb::campaign {

struct MaterialSettings {
  std::filesystem::path data_folder;
  std::filesystem::path cache_folder;
  std::filesystem::path log_folder;
  std::filesystem::path text_file;  // that language models are judged on; empty: the built-in one
  std::filesystem::path images;     // that networks of pictures are judged on, likewise
  wire::Limits limits;              // memory and processes of what prepares, and of the reference
  const std::atomic<bool>* is_interrupted = nullptr;
};

struct BundleMaterial {
  std::filesystem::path folder;
  Json source;  // "hash", "weights", "name", "task" and more, see prepare/preparation.h
};

// A model's quality data: the input, and the logits of the unquantized weights on it.
struct QualityMaterial {
  Json dataset;                          // "file", "name", "content_hash", "item_count"
  std::filesystem::path baseline;        // empty: none could be made
  std::string baseline_problem;          // then: why
  std::string baseline_scheme = "fp32";  // or "as-is": where fp32 is too large for the machine
};

// Prepared things by name; a failure is remembered as well, so that every case that needs the thing
// fails for the same reason.
class Materials {
 public:
  Materials(MaterialSettings settings, std::function<void(std::string_view)> tell)
      : settings_(std::move(settings)), tell_(std::move(tell)) {}

  // Of a plan::PlannedModel's source.
  const Result<BundleMaterial>& bundle(const std::string& model, const std::string& scheme);
  const Result<QualityMaterial>& quality(const std::string& model);

 private:
  // The facts that qbench-prepare tells; without a scheme the data is prepared.
  Result<Json> prepare(const std::string& model, const std::string& scheme) const;
  Result<BundleMaterial> make_bundle(const std::string& model, const std::string& scheme) const;
  Result<QualityMaterial> make_quality(const std::string& model);
  Result<std::filesystem::path> make_baseline(const std::string& model, const Json& dataset,
                                              const std::string& scheme, int64_t item_count_max);

  MaterialSettings settings_;
  std::function<void(std::string_view)> tell_;
  std::map<std::string, Result<BundleMaterial>> bundles_;
  std::map<std::string, Result<QualityMaterial>> qualities_;
};

}  // namespace qb::campaign
