// A LoRA adapter. Three parts, the first two ended by line breaks: adapter_config.json, the header
// of a safetensors file, its data.
#include "network/weights/adapter.h"

#include "fuzz.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const auto folder = fuzz::file_of(fuzz::take_line(rest), "adapter_config.json").parent_path();
  const std::string_view header = fuzz::take_line(rest);
  for (const char* name : {"adapter_model.safetensors", "adapters.safetensors"})
    fuzz::file_of(fuzz::safetensors(header, rest), name);
  (void)weights::load_adapter(folder);
  return 0;
}
