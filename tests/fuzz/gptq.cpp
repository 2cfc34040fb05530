// Weights that GPTQ quantized.
#include "quantized.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  qb::fuzz::read_quantized(qb::fuzz::text_of(data, size), "gptq");
  return 0;
}
