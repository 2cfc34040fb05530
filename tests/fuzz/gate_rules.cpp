// A gate's TOML.
#include "fuzz.h"
#include "results/gate/rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)qb::gate::parse_rules(qb::fuzz::text_of(data, size), "rules");
  return 0;
}
