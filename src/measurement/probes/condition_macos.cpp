// Checked by compiling for macOS with stand-ins for two system headers; never run.
#include <IOKit/ps/IOPowerSources.h>
#include <notify.h>

#include <cstdlib>
#include <string_view>

#include "measurement/probes/condition.h"
#include "measurement/probes/process_info.h"

namespace qb::probes {
namespace {

// The notification's state needs no rights: 0 nominal, then moderate, heavy, trapping, sleeping.
void add_thermal_pressure(Json& condition) {
  static constexpr std::string_view names[] = {"nominal", "moderate", "heavy", "trapping",
                                               "sleeping"};
  int token = 0;
  if (::notify_register_check("com.apple.system.thermalpressurelevel", &token) != NOTIFY_STATUS_OK)
    return;
  uint64_t level = 0;
  if (::notify_get_state(token, &level) == NOTIFY_STATUS_OK && level < std::size(names))
    condition.set("thermal_pressure", names[level]);
  ::notify_cancel(token);
}

void add_power_source(Json& condition) {
  const CFTypeRef sources = ::IOPSCopyPowerSourcesInfo();
  if (!sources) return;
  const CFStringRef kind = ::IOPSGetProvidingPowerSourceType(sources);
  if (kind)
    condition.set("power_source", ::CFStringCompare(kind, CFSTR("AC Power"), 0) == kCFCompareEqualTo
                                      ? "mains"
                                      : "battery");
  ::CFRelease(sources);
}

}  // namespace

Json describe_condition() {
  Json condition = Json::object({});
  double load = 0.0;
  if (::getloadavg(&load, 1) == 1) condition.set("load_average_1m", load);
  add_thermal_pressure(condition);
  add_power_source(condition);
  const ProcessInfo info = process_info();
  condition.set("thermal_state", info.thermal_state).set("low_power_mode", info.is_low_power_mode);
  return condition;
}

Json describe_condition(const std::filesystem::path&) { return describe_condition(); }

}  // namespace qb::probes
