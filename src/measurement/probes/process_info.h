// What macOS tells a process of the machine, and what a process may ask of it, through Foundation.
#pragma once

#include <string>

namespace qb::probes {

struct ProcessInfo {
  std::string thermal_state;  // "nominal", "fair", "serious", "critical", or a newer one by number
  bool is_low_power_mode = false;
};
// As the system sees it now. (macOS)
ProcessInfo process_info();

// To be called once, by the first thread: until this process ends its timers are exact and the
// system neither sleeps nor naps it. macOS naps a process that nobody looks at; Linux doesn't, and
// nothing is asked there.
void hold_activity();

}  // namespace qb::probes
