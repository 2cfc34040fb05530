// What the launches of a run need on disk, prepared before anything is timed.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "prepare/dataset.h"
#include "prepare/model_source.h"

namespace qb::campaign {

struct Folders {
  std::filesystem::path data;
  std::filesystem::path cache;
  std::filesystem::path logs;
};

// A model's quality data: the input, and the logits of the unquantized weights on it.
struct QualityMaterial {
  prepare::Dataset dataset;
  std::filesystem::path baseline;  // empty: none could be made
  std::string baseline_problem;    // then: why
};

// Prepared things by name; a failure is remembered as well, so that every case that needs the thing
// fails for the same reason.
class Materials {
 public:
  Materials(Folders folders, std::function<void(std::string_view)> tell)
      : folders_(std::move(folders)), tell_(std::move(tell)) {}

  const Result<prepare::ModelSource>& model(const std::string& name);
  const Result<std::filesystem::path>& bundle(const std::string& model, const std::string& scheme);
  const Result<QualityMaterial>& quality(const std::string& model);

 private:
  Result<QualityMaterial> make_quality(const std::string& model);
  Result<std::filesystem::path> make_baseline(const std::string& model,
                                              const prepare::Dataset& dataset);

  Folders folders_;
  std::function<void(std::string_view)> tell_;
  std::map<std::string, Result<prepare::ModelSource>> models_;
  std::map<std::string, Result<std::filesystem::path>> bundles_;
  std::map<std::string, Result<QualityMaterial>> qualities_;
};

}  // namespace qb::campaign
