#include "network/text/added_tokens.h"

#include <algorithm>
#include <optional>

#include "network/text/unicode.h"

namespace qb::text {
namespace {

std::optional<char32_t> first_character(std::string_view text) {
  size_t position = 0;
  return text.empty() ? std::nullopt : next_code_point(text, position);
}

size_t last_character_start(std::string_view text) {
  size_t start = text.size();
  do --start;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0u) == 0x80u);
  return start;
}

std::optional<char32_t> last_character(std::string_view text) {
  return text.empty() ? std::nullopt : first_character(text.substr(last_character_start(text)));
}

bool is_word_at(std::optional<char32_t> c) { return c && is_word(*c); }
bool is_space_at(std::optional<char32_t> c) { return c && is_white_space(*c); }

size_t end_without_space(std::string_view text) {
  while (is_space_at(last_character(text))) text = text.substr(0, last_character_start(text));
  return text.size();
}

size_t leading_space(std::string_view text) {
  size_t end = 0;
  for (size_t position = 0; position < text.size(); end = position) {
    const auto c = next_code_point(text, position);
    if (!is_space_at(c)) break;
  }
  return end;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::vector<std::pair<std::string, int32_t>> entries;
  for (size_t i = 0; i < tokens_.size(); ++i)
    entries.emplace_back(tokens_[i].text, static_cast<int32_t>(i));
  prefixes_ = PrefixTable(std::move(entries));
}

std::vector<Found> AddedTokens::find(std::string_view text) const {
  std::vector<Found> out;
  size_t done = 0;
  for (size_t position = 0; position < text.size();) {
    size_t length = 0;
    int32_t place = -1;
    prefixes_.visit_prefixes(text.substr(position), [&](size_t bytes, int32_t value) {
      length = bytes;
      place = value;
    });
    if (place < 0) {
      ++position;
      continue;
    }
    size_t start = position;
    size_t end = position + length;
    position = end;
    const AddedToken& token = tokens_[static_cast<size_t>(place)];
    if (token.is_single_word && (is_word_at(last_character(text.substr(0, start))) ||
                                 is_word_at(first_character(text.substr(end)))))
      continue;
    if (token.takes_left_space && start > done)  // not what the token before has taken
      start = done + end_without_space(text.substr(done, start - done));
    if (token.takes_right_space) end += leading_space(text.substr(end));
    if (done < start) out.push_back({text.substr(done, start - done)});
    out.push_back({text.substr(start, end - start), token.id});
    done = end;
  }
  if (done < text.size()) out.push_back({text.substr(done)});
  return out;
}

}  // namespace qb::text
