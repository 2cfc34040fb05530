#include "campaign/own_files.h"

#include "base/hash.h"
#include "probes/host.h"
#include "runner/launch.h"

namespace qb::campaign {
namespace fs = std::filesystem;

Result<void> OwnFiles::describe(const plan::PlannedCase& planned, Record& record) {
  QB_TRY(std::string content_hash, hash_of_file(planned.file));
  std::error_code error;
  const auto size_bytes = static_cast<int64_t>(fs::file_size(planned.file, error));
  if (error) return fail(Errc::io, "{}: {}", planned.file, error.message());
  const int64_t cache_bytes = probes::last_level_cache_bytes();
  record.manifest.set("task", "file")
      .set("content_hash", std::move(content_hash))
      .set("file_bytes", size_bytes);
  if (cache_bytes > 0) record.manifest.set("fits_cache", size_bytes <= cache_bytes);
  return {};
}

void OwnFiles::note(const Launch& launch, Record& record) {
  for (const char* name : {"inputs", "outputs", "other_files"})
    if (launch.facts.contains(name)) record.manifest.set(name, launch.facts[name]);
  // Weights that lie beside the model count for the cache as well.
  const Json& all_bytes = launch.facts["bundle_bytes"];
  if (all_bytes.is_int() && record.manifest.contains("fits_cache"))
    record.manifest.set("fits_cache", all_bytes.as_int() <= probes::last_level_cache_bytes());
}

void OwnFiles::complete(const plan::PlannedCase& planned, wire::Request& request) const {
  request.model_file = planned.file;
  request.inputs = plan_.inputs;
  request.seed = seed_;
  if (request.is_quality && has_baseline()) request.baseline = baseline_file().string();
}

Result<void> OwnFiles::make_baseline(const runner::Framework& framework, int64_t time_limit_ns) {
  if (baseline_) return *baseline_;
  const plan::PlannedCase& first = plan_.cases.front();
  tell_(fmt::format("outputs of {}", first.subject.model));
  wire::Request request = {
      .is_quality = true, .device = first.subject.device, .workload = first.subject.workload};
  complete(first, request);
  request.baseline_output = baseline_file().string();
  const Launch launch = runner::run_launch(request, {.worker = framework.worker,
                                                     .log_folder = log_folder_,
                                                     .name = "first_file",
                                                     .time_limit_ns = time_limit_ns});
  baseline_ =
      launch.outcome == Outcome::ok
          ? Result<void>()
          : fail(Errc::unavailable, "there are no outputs of the first file: {}", launch.reason);
  return *baseline_;
}

}  // namespace qb::campaign
