// A suite's TOML.
#include "orchestration/spec/suite.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)qb::spec::parse_suite(qb::fuzz::text_of(data, size), "suite");
  return 0;
}
