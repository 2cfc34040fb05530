#include "tokenize.h"

#include <array>

namespace qb::fuzz {

void tokenize(const Result<text::Definition>& definition) {
  if (!definition) return;
  const auto tokenizer = text::build_tokenizer(*definition);
  if (!tokenizer) return;
  for (const std::string_view text : {"", "It was, it is: 12 mice.",
                                      "  aaaaaaaaaaaaaaaaaaaaaaaa\n\n", "<s>Größe 東京 \U0001f642"})
    if (const auto ids = tokenizer->encode_whole(text)) (void)tokenizer->decode(*ids);
  (void)tokenizer->decode(std::array{-1, 0, 1, 1 << 30});
}

}  // namespace qb::fuzz
