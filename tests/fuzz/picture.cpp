// A picture: PNG or JPEG.
#include "network/pictures/picture.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)qb::pictures::load_picture(qb::fuzz::file_of(qb::fuzz::text_of(data, size), "picture"));
  return 0;
}
