#include "network/text/byte_alphabet.h"

#include <array>
#include <unordered_map>

#include "network/text/utf8.h"

namespace qb::text {
namespace {

// Printable Latin-1 characters stand for themselves, the other bytes for U+0100 and on, in order.
std::array<std::string, 256> make_alphabet() {
  std::array<std::string, 256> alphabet;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool is_printable =
        (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    append_utf8(alphabet[byte], is_printable ? byte : next++);
  }
  return alphabet;
}

const std::array<std::string, 256>& alphabet() {
  static const std::array<std::string, 256> made = make_alphabet();
  return made;
}

}  // namespace

std::string to_alphabet(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += alphabet()[static_cast<uint8_t>(byte)];
  return out;
}

std::optional<std::string> from_alphabet(std::string_view text) {
  static const std::unordered_map<char32_t, char> bytes = [] {
    std::unordered_map<char32_t, char> map;
    for (size_t byte = 0; byte < 256; ++byte) {
      size_t position = 0;
      if (const auto c = next_code_point(alphabet()[byte], position))
        map[*c] = static_cast<char>(byte);
    }
    return map;
  }();
  std::string out;
  for (size_t position = 0; position < text.size();) {
    const auto c = next_code_point(text, position);
    const auto found = c ? bytes.find(*c) : bytes.end();
    if (found == bytes.end()) return std::nullopt;
    out += found->second;
  }
  return out;
}

}  // namespace qb::text
