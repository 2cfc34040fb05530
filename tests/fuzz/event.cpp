// A line of a worker's, and again what is written of it.
#include "measurement/wire/event.h"

#include "fuzz.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (const auto event = wire::parse_event(fuzz::text_of(data, size)))
    (void)wire::parse_event(wire::to_line(*event));
  return 0;
}
