#include "base/display_width.h"

#include <algorithm>
#include <cstdint>

namespace qb {
namespace {

struct Character {
  char32_t code = 0;
  size_t byte_count = 1;
};

// The character that `text` begins with; a byte that is no UTF-8 stands for itself.
Character first_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t count = lead < 0x80       ? 1
                       : lead >> 5 == 6  ? 2
                       : lead >> 4 == 14 ? 3
                       : lead >> 3 == 30 ? 4
                                         : 0;
  constexpr unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  if (count == 0 || count > text.size()) return {0xfffd, 1};
  char32_t code = lead & lead_bits[count];
  for (size_t i = 1; i < count; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return {0xfffd, 1};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  return {code, count};
}

struct Range {
  char32_t first, last;
};

// The combining marks of the scripts one meets in names, joiners, selectors of variants.
constexpr Range narrow[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
    {0x64b, 0x65f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},
    {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20ff}, {0x3099, 0x309a},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef}};

// Unicode's East Asian Width W and F (UAX #11), in blocks.
constexpr Range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x3098},
                          {0x309b, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},
                          {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
                          {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
                          {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd}};

template <size_t count>
bool holds(const Range (&ranges)[count], char32_t code) {
  return std::ranges::any_of(
      ranges, [&](const Range& range) { return code >= range.first && code <= range.last; });
}

size_t width_of(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0) || holds(narrow, code)) return 0;
  return holds(wide, code) ? 2 : 1;
}

// Bytes of the escape sequence that `text` begins with (ECMA-48's CSI); 0 for none.
size_t escape_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  size_t length = 2;
  while (length < text.size() && (text[length] < '@' || text[length] > '~')) ++length;
  return std::min(length + 1, text.size());
}

// Calls use(bytes, columns) for every character and escape sequence in turn, while it gives true.
template <typename Use>
void for_each_character(std::string_view text, Use&& use) {
  while (!text.empty()) {
    const size_t escape = escape_length(text);
    const Character character = first_character(text);
    const size_t byte_count = escape > 0 ? escape : character.byte_count;
    if (!use(text.substr(0, byte_count), escape > 0 ? 0 : width_of(character.code))) return;
    text.remove_prefix(byte_count);
  }
}

}  // namespace

size_t display_width(std::string_view text) {
  size_t width = 0;
  for_each_character(text, [&](std::string_view, size_t columns) {
    width += columns;
    return true;
  });
  return width;
}

std::string clipped(std::string_view text, size_t column_count) {
  size_t width = 0;
  std::string out;
  for_each_character(text, [&](std::string_view bytes, size_t columns) {
    width += columns;
    if (width > column_count) return false;
    out += bytes;
    return true;
  });
  return out;
}

std::string shortened(std::string_view text, size_t column_count) {
  if (display_width(text) <= column_count) return std::string(text);
  if (column_count == 0) return {};
  const size_t tail_width = (column_count - 1) / 2;
  std::string out = clipped(text, column_count - 1 - tail_width) + "…";
  while (!text.empty() && display_width(text) > tail_width)
    text.remove_prefix(std::max(escape_length(text), first_character(text).byte_count));
  return out + std::string(text);
}

std::string wrapped(std::string_view text, size_t column_count, size_t indent) {
  std::string out;
  size_t width = 0;
  bool is_begin = true;  // of a line
  while (!text.empty()) {
    size_t end = text.find(' ', text.find_first_not_of(' '));
    if (end != std::string_view::npos && text.substr(end).starts_with(" %"))
      end = text.find(' ', end + 1);  // a number and its percent sign stay together
    const std::string_view word = text.substr(0, end);  // with the spaces before it
    text.remove_prefix(std::min(end, text.size()));
    const size_t word_width = display_width(word);
    if (!is_begin && width + word_width > column_count) {
      out += "\n" + std::string(indent, ' ');
      width = indent + word_width - 1;
      out += word.substr(1);
    } else {
      out += word;
      width += word_width;
    }
    is_begin = false;
  }
  return out;
}

}  // namespace qb
