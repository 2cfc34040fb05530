#include "measurement/probes/process_info.h"

#include <doctest/doctest.h>

#import "fakes/process_info.h"

namespace qb::probes {
namespace {

struct Fresh {
  Fresh() {
    fake::process_info.thermal_state = 0;
    fake::process_info.is_low_power_mode = fake::process_info.throws = false;
  }
};

TEST_CASE_FIXTURE(Fresh, "each thermal state has its name") {
  const char* names[] = {"nominal", "fair", "serious", "critical"};
  for (const char* name : names) {
    CHECK(process_info().thermal_state == name);
    ++fake::process_info.thermal_state;
  }
}

TEST_CASE_FIXTURE(Fresh, "a thermal state that is newer than this code is told by its number") {
  fake::process_info.thermal_state = 7;
  CHECK(process_info().thermal_state == "7");
}

TEST_CASE_FIXTURE(Fresh, "low power mode is told as it is at the moment") {
  CHECK_FALSE(process_info().is_low_power_mode);
  fake::process_info.is_low_power_mode = true;
  CHECK(process_info().is_low_power_mode);
}

TEST_CASE_FIXTURE(Fresh,
                  "a question leaves nothing behind in a thread without an autorelease pool") {
  for (int i = 0; i < 100; ++i) static_cast<void>(process_info());
  CHECK(fake::process_info.temporaries_alive == 0);
}

TEST_CASE_FIXTURE(Fresh, "an NSException reaches catch (...)") {
  fake::process_info.throws = true;
  bool is_caught = false;
  try {
    static_cast<void>(process_info());
  } catch (...) {
    is_caught = true;
  }
  CHECK(is_caught);
  fake::process_info.throws = false;
  CHECK(process_info().thermal_state == "nominal");
}

TEST_CASE_FIXTURE(Fresh, "an activity is begun once, to be exact and awake") {
  hold_activity();
  hold_activity();
  CHECK(fake::process_info.activities_begun == 1);
  CHECK(fake::process_info.activities_alive == 1);
  CHECK((fake::process_info.activity_options & 0xff00000000) == 0xff00000000);
  CHECK((fake::process_info.activity_options & 0x00ffffff) == 0x00ffffff);
  CHECK_FALSE(fake::process_info.activity_reason.empty());
}

}  // namespace
}  // namespace qb::probes
