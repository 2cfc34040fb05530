// A checkpoint of PyTorch: a zip, or what came before it.
#include "fuzz.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (const auto file = weights::load_torch(fuzz::file_of(fuzz::text_of(data, size), "x.pth")))
    fuzz::decode_all(*file);
  return 0;
}
