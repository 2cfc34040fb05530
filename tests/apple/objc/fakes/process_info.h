// A fake of what GNUstep's NSProcessInfo lacks: what it answers, and what was asked of it.
#pragma once

#include <cstdint>
#include <string>

namespace fake {

struct ProcessInfoState {
  long thermal_state = 0;
  bool is_low_power_mode = false;
  bool throws = false;  // each question ends in an NSException
  int activities_begun = 0;
  int activities_alive = 0;   // begun, and their tokens not released
  int temporaries_alive = 0;  // left by answers to the autorelease pool at hand
  uint64_t activity_options = 0;
  std::string activity_reason;
};
extern ProcessInfoState process_info;

}  // namespace fake
