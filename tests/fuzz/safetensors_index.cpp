// The index of a model in several safetensors files; beside it lies one, a.safetensors, of a
// tensor.
#include "fuzz.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  fuzz::file_of(fuzz::safetensors(header, std::string(4, '\0')), "a.safetensors");
  const auto path = fuzz::file_of(fuzz::text_of(data, size), "model.safetensors.index.json");
  if (const auto file = weights::load_safetensors(path)) fuzz::decode_all(*file);
  return 0;
}
