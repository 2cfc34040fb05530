// A vocab.txt, or a vocab.json with merges.txt: the first line is tokenizer_config.json, the second
// vocab.json (empty: what follows is a vocab.txt), the rest the other file.
#include "network/text/files.h"
#include "tokenize.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const Result<Json> config = parse_json(fuzz::take_line(rest));
  if (!config) return 0;
  const std::string_view vocabulary = fuzz::take_line(rest);
  if (vocabulary.empty()) {
    fuzz::tokenize(text::read_word_piece(fuzz::file_of(rest, "vocab.txt"), *config));
    return 0;
  }
  fuzz::file_of(rest, "merges.txt");
  fuzz::tokenize(text::read_vocab_and_merges(fuzz::file_of(vocabulary, "vocab.json"), *config));
  return 0;
}
