// What launches of the user's own model files need: requests, and the first file's outputs, with
// which those of the others are compared.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string_view>

#include "measurement/wire/request.h"
#include "orchestration/plan/plan.h"
#include "orchestration/runner/frameworks.h"

namespace qb::campaign {

class OwnFiles {
 public:
  // `log_folder` gets the first file's outputs.
  OwnFiles(const plan::Plan& plan, uint64_t seed, std::filesystem::path log_folder,
           std::function<void(std::string_view)> tell)
      : plan_(plan), seed_(seed), log_folder_(std::move(log_folder)), tell_(std::move(tell)) {}

  // The manifest's facts of the file: content hash and size. No paths.
  static Result<void> describe(const plan::PlannedCase& planned, Record& record);
  // What a launch made known: inputs, outputs, files beside the model, whether they fit the cache.
  static void note(const Launch& launch, Record& record);

  // Completes a request that has device, workload and limits.
  void complete(const plan::PlannedCase& planned, wire::Request& request) const;

  // Makes the first file's outputs, once; `request` is that of its quality launch. Error:
  // unavailable, with the reason.
  Result<void> make_baseline(const runner::Framework& framework, wire::Request request,
                             const spec::Protocol& protocol,
                             const std::atomic<bool>* is_interrupted);
  bool has_baseline() const { return baseline_.has_value() && baseline_->has_value(); }

 private:
  std::filesystem::path baseline_file() const { return log_folder_ / "first_file.outputs"; }

  const plan::Plan& plan_;
  uint64_t seed_;
  std::filesystem::path log_folder_;
  std::function<void(std::string_view)> tell_;
  std::optional<Result<void>> baseline_;  // empty: not made yet
};

}  // namespace qb::campaign
