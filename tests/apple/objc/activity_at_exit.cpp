// Whether an activity is still held when the process ends: the last thing that it does is to look.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "fakes/process_info.h"
#include "measurement/probes/process_info.h"

namespace {

void look() {
  std::printf("activities at exit: %d of %d\n", fake::process_info.activities_alive,
              fake::process_info.activities_begun);
  std::fflush(stdout);
  if (fake::process_info.activities_alive != 1) ::_exit(1);
}

}  // namespace

int main() {
  std::atexit(look);  // what is registered first comes last, after the destructors of statics
  qb::probes::hold_activity();
}
