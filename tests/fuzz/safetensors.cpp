// A safetensors file. Its first line is what in the file is the header, whose length is put before
// it here: a mutation that changes the length alone would open no file.
#include "fuzz.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const std::string_view header = fuzz::take_line(rest);
  const std::string whole = fuzz::safetensors(header, rest);
  for (const std::string_view bytes : {std::string_view(whole), fuzz::text_of(data, size)})
    if (const auto file = weights::load_safetensors(fuzz::file_of(bytes, "x.safetensors")))
      fuzz::decode_all(*file);
  return 0;
}
