// An ONNX model, as far as it is read here: which other files it names.
#include "fuzz.h"
#include "measurement/engines/onnxruntime/external_data.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)qb::ort::find_external_locations(std::as_bytes(std::span(data, size)));
  return 0;
}
