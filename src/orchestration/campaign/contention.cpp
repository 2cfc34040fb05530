#include "orchestration/campaign/contention.h"

#include <algorithm>

namespace qb::campaign {
namespace {

constexpr double judged_ns_min = 1e9;
constexpr double foreign_share_max = 0.10;
constexpr double steal_share_max = 0.05;

}  // namespace

std::string contention_of(const Launch& launch, int64_t thread_count) {
  const Json& facts = launch.facts;
  const Json& throttled = facts["condition_after"]["throttle_count"];
  if (throttled.as_int() > facts["condition_before"]["throttle_count"].as_int(throttled.as_int()))
    return "the processor slowed down for heat";
  const double time_ns = facts["measure_time_ns"].as_double();
  if (time_ns < judged_ns_min) return {};
  const auto threads = static_cast<double>(std::max<int64_t>(1, thread_count));
  if (facts["steal_time_ns"].is_number()) {
    const double share = facts["steal_time_ns"].as_double() / time_ns;
    if (share > steal_share_max * threads)
      return fmt::format("the hypervisor took {:.0f} % of a core", share * 100.0);
  }
  if (facts["system_busy_time_ns"].is_number() && facts["cpu_time_ns"].is_number()) {
    const double share =
        (facts["system_busy_time_ns"].as_double() - facts["cpu_time_ns"].as_double()) / time_ns;
    if (share > foreign_share_max * threads)
      return fmt::format("other programs used {:.0f} % of a core", share * 100.0);
  }
  return {};
}

}  // namespace qb::campaign
