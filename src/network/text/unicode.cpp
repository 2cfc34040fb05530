#include "network/text/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace qb::text {
namespace {

utf8proc_category_t category_of(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

constexpr bool is_within(char32_t c, char32_t first, char32_t last) {
  return c >= first && c <= last;
}

utf8proc_option_t options_of(NormalForm form) {
  int options = UTF8PROC_STABLE;
  options |=
      form == NormalForm::nfc || form == NormalForm::nfkc ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  if (form == NormalForm::nfkc || form == NormalForm::nfkd) options |= UTF8PROC_COMPAT;
  return static_cast<utf8proc_option_t>(options);
}

}  // namespace

Result<std::string> to_normal_form(std::string_view text, NormalForm form) {
  utf8proc_uint8_t* made = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &made, options_of(form));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owned(made, std::free);
  if (size < 0)
    return fail(Errc::bad_input, "normalizing the text failed: {}", utf8proc_errmsg(size));
  return std::string(reinterpret_cast<const char*>(made), static_cast<size_t>(size));
}

void append_lowercase(std::string& text, char32_t c) {
  if (c == 0x130) {  // the only character that becomes two
    text += "i\u0307";
    return;
  }
  append_utf8(text, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

bool is_white_space(char32_t c) {
  return is_within(c, 9, 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         is_within(c, 0x2000, 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

bool is_mark(char32_t c) {
  const auto category = category_of(c);
  return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

bool is_nonspacing_mark(char32_t c) { return category_of(c) == UTF8PROC_CATEGORY_MN; }

bool is_punctuation(char32_t c) {
  if (c < 0x80)
    return is_within(c, '!', '/') || is_within(c, ':', '@') || is_within(c, '[', '`') ||
           is_within(c, '{', '~');
  const auto category = category_of(c);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool is_other(char32_t c) { return category_of(c) >= UTF8PROC_CATEGORY_CC; }

bool is_word(char32_t c) {
  const auto category = category_of(c);
  const bool is_letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
  const bool is_letter_symbol = is_within(c, 0x24b6, 0x24e9) || is_within(c, 0x1f130, 0x1f149) ||
                                is_within(c, 0x1f150, 0x1f169) || is_within(c, 0x1f170, 0x1f189);
  return is_letter || is_letter_symbol || is_mark(c) || category == UTF8PROC_CATEGORY_ND ||
         category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_PC || c == 0x200c ||
         c == 0x200d;
}

std::vector<std::string_view> graphemes(std::string_view text) {
  std::vector<std::string_view> out;
  utf8proc_int32_t state = 0;
  std::optional<char32_t> before;
  size_t start = 0;
  for (size_t position = 0; position < text.size();) {
    const size_t here = position;
    const auto c = next_code_point(text, position);
    if (!c) break;
    if (before && utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(*before),
                                                   static_cast<utf8proc_int32_t>(*c), &state)) {
      out.push_back(text.substr(start, here - start));
      start = here;
    }
    before = c;
  }
  if (start < text.size()) out.push_back(text.substr(start));
  return out;
}

}  // namespace qb::text
