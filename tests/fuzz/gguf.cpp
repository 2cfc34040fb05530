// A GGUF: its weights, and what it says of its network and its tokenizer.
#include "fuzz.h"
#include "measurement/prepare/gguf_config.h"
#include "measurement/prepare/gguf_tokenizer.h"
#include "network/models/architectures.h"
#include "network/text/tokenizer.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = weights::load_gguf(fuzz::file_of(fuzz::text_of(data, size), "x.gguf"));
  if (!file) return 0;
  fuzz::decode_all(*file);
  if (const auto config = prepare::config_of_gguf(*file)) (void)models::read_model(*config);
  if (const auto definition = prepare::tokenizer_of(*file))
    if (const auto tokenizer = text::build_tokenizer(*definition))
      (void)tokenizer->encode_whole("It was, it is: 12 mice.");
  return 0;
}
