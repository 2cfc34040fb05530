#include "orchestration/campaign/own_files.h"

#include "base/hash.h"
#include "measurement/probes/host.h"
#include "orchestration/runner/launch.h"

namespace qb::campaign {
namespace fs = std::filesystem;

Result<void> OwnFiles::describe(const plan::PlannedCase& planned, Record& record) {
  QB_TRY(std::string content_hash, hash_of_file(planned.file));
  std::error_code error;
  const auto size_bytes = static_cast<int64_t>(fs::file_size(planned.file, error));
  if (error) return fail(Errc::io, "{}: {}", planned.file, error.message());
  record.manifest.set("content_hash", std::move(content_hash)).set("file_bytes", size_bytes);
  return {};
}

void OwnFiles::note(const Launch& launch, Record& record) {
  for (const char* name : {"inputs", "outputs", "other_files"})
    if (launch.facts.contains(name)) record.manifest.set(name, launch.facts[name]);
  const Json& all_bytes = launch.facts["bundle_bytes"];  // with weights that lie beside the model
  const int64_t cache_bytes = probes::last_level_cache_bytes();
  if (all_bytes.is_int() && cache_bytes > 0)
    record.manifest.set("fits_cache", all_bytes.as_int() <= cache_bytes);
}

void OwnFiles::complete(const plan::PlannedCase& planned, wire::Request& request) const {
  request.model_file = planned.file;
  request.inputs = plan_.inputs;
  request.seed = seed_;
  if (request.is_quality && has_baseline()) request.baseline = baseline_file().string();
}

Result<void> OwnFiles::make_baseline(const runner::Framework& framework, wire::Request request,
                                     const spec::Protocol& protocol,
                                     const std::atomic<bool>* is_interrupted) {
  constexpr std::string_view none = "there are no outputs of the first file";
  if (baseline_) return *baseline_;
  if (!framework.is_available) {
    baseline_ = fail(Errc::unavailable, "{}: {}: {}", none, framework.title, framework.reason);
    return *baseline_;
  }
  tell_(fmt::format("outputs of {}", plan_.cases.front().subject.model));
  request.baseline_output = baseline_file().string();
  const Launch launch = runner::run_launch(request, {.worker = framework.worker,
                                                     .environment = framework.environment,
                                                     .log_folder = log_folder_,
                                                     .name = "first_file",
                                                     .time_limit_ns = protocol.time_limit_ns,
                                                     .is_interrupted = is_interrupted});
  baseline_ = launch.outcome == Outcome::ok
                  ? Result<void>()
                  : fail(Errc::unavailable, "{}: {}", none, launch.reason);
  return *baseline_;
}

}  // namespace qb::campaign
