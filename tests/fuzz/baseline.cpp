// A baseline's JSON, and again what is written of it.
#include "results/comparison/baseline.h"

#include "fuzz.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (const auto document = comparison::parse_baseline(fuzz::text_of(data, size)))
    (void)comparison::parse_baseline(comparison::baseline_text(*document));
  return 0;
}
