// A SentencePiece model.
#include "network/text/sentence_piece.h"

#include "tokenize.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto read = text::read_sentence_piece(std::string(fuzz::text_of(data, size)));
  if (read) fuzz::tokenize(read->definition);
  return 0;
}
