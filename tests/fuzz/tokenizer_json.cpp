// A tokenizer.json.
#include "network/text/files.h"
#include "tokenize.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (const Result<Json> json = parse_json(fuzz::text_of(data, size)))
    fuzz::tokenize(text::read_huggingface(*json));
  return 0;
}
