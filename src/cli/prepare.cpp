#include "cli/prepare.h"

#include "base/clock.h"
#include "base/paths.h"
#include "cli/progress.h"
#include "measurement/probes/host.h"

namespace qb::cli {

Result<campaign::PreparationOptions> process_options(std::string_view verb) {
  QB_TRY(const std::filesystem::path cache, cache_folder());
  return campaign::PreparationOptions{
      .log_folder = cache / "logs" / fmt::format("{}-{}", verb, now_ns()),
      .limits = {.memory_bytes_max = probes::physical_memory_bytes()}};
}

Result<Json> prepare(wire::Preparation wanted, campaign::PreparationOptions options,
                     bool is_quiet) {
  QB_TRY(const std::filesystem::path cache, cache_folder());
  wanted.data_folder = data_folder().string();
  wanted.cache_folder = cache.string();
  StatusLine status(is_quiet);
  options.tell = [&](std::string_view what) { status.show(what); };
  Result<Json> facts = campaign::run_preparation(wanted, options);
  status.finish();
  return facts;
}

}  // namespace qb::cli
