#include "orchestration/campaign/preparation.h"

#include "base/paths.h"
#include "orchestration/runner/launch.h"

namespace qb::campaign {
namespace {

constexpr int64_t preparing_limit_ns = 7'200'000'000'000;

Errc code_of(Outcome outcome) {
  return outcome == Outcome::unavailable     ? Errc::unavailable
         : outcome == Outcome::unsupported   ? Errc::unsupported
         : outcome == Outcome::out_of_memory ? Errc::out_of_memory
         : outcome == Outcome::timed_out     ? Errc::timed_out
         : outcome == Outcome::crashed       ? Errc::crashed
                                             : Errc::bad_input;
}

}  // namespace

Result<Json> run_preparation(const wire::Preparation& preparation,
                             const PreparationOptions& options) {
  const std::string what = preparation.scheme.empty() ? "data" : preparation.scheme;
  const Launch launch =
      runner::run_launch({.limits = options.limits, .preparation = preparation},
                         {.worker = executable_folder() / "qbench-prepare",
                          .log_folder = options.log_folder,
                          .name = fmt::format("prepare.{}.{}", preparation.model, what),
                          .time_limit_ns = preparing_limit_ns,
                          .is_interrupted = options.is_interrupted,
                          .on_phase = options.tell});
  if (launch.outcome == Outcome::ok) return launch.facts;
  const bool is_cut_off =
      launch.outcome == Outcome::crashed || launch.outcome == Outcome::timed_out;
  return tl::unexpected(
      Error{code_of(launch.outcome),
            is_cut_off ? fmt::format("preparing {}: {}", preparation.model, launch.reason)
                       : launch.reason});
}

}  // namespace qb::campaign
