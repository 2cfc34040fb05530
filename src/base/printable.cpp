#include "base/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace qb {
namespace {

struct Character {
  uint32_t code = 0;
  size_t byte_count = 0;  // 0: no UTF-8
};

// The character that `text`, which isn't empty, begins with.
Character first_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t byte_count = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < byte_count) return {};
  uint32_t code = lead & (0x7fu >> byte_count);
  for (size_t i = 1; i < byte_count; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0u) != 0x80u) return {};
    code = code << 6 | (byte & 0x3fu);
  }
  constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < smallest[byte_count] || code > 0x10ffff || is_surrogate
             ? Character{}
             : Character{code, byte_count};
}

bool is_control(uint32_t code) { return code < 0x20 || (code >= 0x7f && code <= 0x9f); }

// What moves lines or the direction of writing in Unicode.
bool is_turning(uint32_t code) {
  return code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string escaped(std::string_view text, bool keeps_lines) {
  std::string out;
  while (!text.empty()) {
    const Character c = first_of(text);
    const size_t byte_count = std::max<size_t>(c.byte_count, 1);
    if (c.byte_count == 0)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    else if (is_control(c.code) && !(keeps_lines && c.code == '\n'))
      out += fmt::format("\\x{:02x}", c.code);
    else if (is_turning(c.code))
      out += fmt::format("\\u{:04x}", c.code);
    else
      out += text.substr(0, byte_count);
    text.remove_prefix(byte_count);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) { return escaped(text, false); }
std::string printable_lines(std::string_view text) { return escaped(text, true); }

}  // namespace qb
