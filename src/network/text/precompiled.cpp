// SentencePiece's precompiled_charsmap: how many bytes of trie, the trie (a double array, as
// Darts-clone writes it), and texts that end with a zero, which its leaves point to.
#include <array>
#include <cstring>
#include <memory>

#include "network/text/normalizers.h"
#include "network/text/unicode.h"

namespace qb::text {
namespace {

Result<std::string> from_base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int bit_count = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char c : text) {
    const size_t digit = digits.find(c);
    if (digit == std::string_view::npos)
      return fail(Errc::bad_input, "precompiled_charsmap is no base64");
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    out += static_cast<char>((bits >> bit_count) & 0xffu);
  }
  return out;
}

class CharacterMap {
 public:
  static Result<CharacterMap> read(std::string_view bytes) {
    uint32_t trie_bytes = 0;
    if (bytes.size() >= 4) std::memcpy(&trie_bytes, bytes.data(), 4);
    if (bytes.size() < 4 || trie_bytes % 4 != 0 || trie_bytes > bytes.size() - 4 || trie_bytes == 0)
      return fail(Errc::bad_input, "precompiled_charsmap of {} bytes can't hold its table",
                  bytes.size());
    CharacterMap map;
    map.units_.resize(trie_bytes / 4);
    std::memcpy(map.units_.data(), bytes.data() + 4, trie_bytes);
    map.texts_ = bytes.substr(4 + trie_bytes);
    return map;
  }

  // What the shortest beginning of `key` that the table has becomes. Hugging Face's tokenizers puts
  // that in the place of all of `key`.
  std::optional<std::string_view> find(std::string_view key) const {
    size_t node = offset_of(units_[0]);
    for (const char c : key) {
      const auto byte = static_cast<uint8_t>(c);
      node ^= byte;
      if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) break;
      const bool has_leaf = ((units_[node] >> 8) & 1u) != 0;
      node ^= offset_of(units_[node]);
      if (node >= units_.size()) break;
      if (has_leaf) return text_at(units_[node] & 0x7fffffffu);
    }
    return std::nullopt;
  }

 private:
  static size_t offset_of(uint32_t unit) {
    return static_cast<size_t>(unit >> 10) << ((unit & 0x200u) >> 6);
  }
  static uint32_t label_of(uint32_t unit) { return unit & 0x800000ffu; }
  std::optional<std::string_view> text_at(size_t offset) const {
    if (offset >= texts_.size()) return std::nullopt;
    const std::string_view rest = std::string_view(texts_).substr(offset);
    return rest.substr(0, rest.find('\0'));
  }

  std::vector<uint32_t> units_;
  std::string texts_;
};

// Short graphemes as a whole, else their characters.
std::string replaced(const CharacterMap& map, std::string_view text) {
  constexpr size_t whole_bytes_max = 5;
  std::string out;
  for (const std::string_view grapheme : graphemes(text)) {
    const auto whole = grapheme.size() <= whole_bytes_max ? map.find(grapheme) : std::nullopt;
    if (whole) {
      out += *whole;
      continue;
    }
    for (size_t position = 0; position < grapheme.size();) {
      const size_t here = position;
      if (!next_code_point(grapheme, position)) break;
      const std::string_view character = grapheme.substr(here, position - here);
      out += map.find(character).value_or(character);
    }
  }
  return out;
}

}  // namespace

Result<Normalizer> make_precompiled(const Json& object) {
  QB_TRY(const std::string bytes, from_base64(object["precompiled_charsmap"].as_string()));
  QB_TRY(CharacterMap map, CharacterMap::read(bytes));
  const auto shared = std::make_shared<const CharacterMap>(std::move(map));
  return Normalizer([shared](const std::string& text) { return replaced(*shared, text); });
}

}  // namespace qb::text
