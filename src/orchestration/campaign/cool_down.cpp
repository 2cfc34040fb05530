#include "orchestration/campaign/cool_down.h"

#include <string>

#include "base/clock.h"
#include "measurement/probes/condition.h"
#include "orchestration/campaign/pause.h"

namespace qb::campaign {
namespace {

constexpr int64_t times_longer_max = 10;

std::string thermal_pressure_now() {
  return probes::describe_condition()["thermal_pressure"].as_string();
}

}  // namespace

Json cool_down(int64_t pause_ns, const std::atomic<bool>* is_interrupted) {
  return cool_down(pause_ns, is_interrupted, thermal_pressure_now);
}

Json cool_down(int64_t pause_ns, const std::atomic<bool>* is_interrupted,
               std::string (*thermal_pressure)()) {
  if (pause_ns <= 0) return {};
  const int64_t start_ns = now_ns();
  std::string pressure;
  for (int64_t i = 1; i <= times_longer_max; ++i) {
    sleep_until(start_ns + i * pause_ns, is_interrupted);
    pressure = thermal_pressure();
    if (pressure.empty() || pressure == "nominal" || (is_interrupted && *is_interrupted)) break;
  }
  Json told = Json::object({{"duration_ns", now_ns() - start_ns}});
  if (!pressure.empty()) told.set("thermal_pressure", pressure);
  return told;
}

}  // namespace qb::campaign
