#include "network/text/normalizers.h"

#include <algorithm>

#include "network/text/byte_alphabet.h"
#include "network/text/fields.h"
#include "network/text/splitter.h"
#include "network/text/unicode.h"

namespace qb::text {
namespace {

template <NormalForm form>
Result<Normalizer> make_form(const Json&) {
  return [](const std::string& text) { return to_normal_form(text, form); };
}

std::string lowercase(std::string_view text) { return map_characters(text, append_lowercase); }

Result<Normalizer> make_lowercase(const Json&) {
  return [](const std::string& text) { return lowercase(text); };
}

// All characters but those that the condition holds for.
template <typename Condition>
std::string without(std::string_view text, Condition condition) {
  return map_characters(text, [&](std::string& out, char32_t c) {
    if (!condition(c)) append_utf8(out, c);
  });
}

Result<Normalizer> make_strip_accents(const Json&) {
  return [](const std::string& text) { return without(text, is_mark); };
}

Result<Normalizer> make_strip(const Json& object) {
  const bool at_left = object["strip_left"].as_bool();
  const bool at_right = object["strip_right"].as_bool();
  return [=](const std::string& text) -> Result<std::string> {
    size_t begin = text.size();
    size_t end = 0;
    for (size_t position = 0; position < text.size();) {
      const size_t here = position;
      const auto c = next_code_point(text, position);
      if (!c) break;
      if (is_white_space(*c)) continue;
      begin = std::min(begin, here);
      end = position;
    }
    if (begin == text.size()) return at_left || at_right ? std::string() : text;
    if (!at_left) begin = 0;
    if (!at_right) end = text.size();
    return text.substr(begin, end - begin);
  };
}

bool is_chinese(char32_t c) {  // as BERT's authors listed them
  constexpr std::pair<char32_t, char32_t> blocks[] = {
      {0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df}, {0x2a700, 0x2b73f},
      {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0xf900, 0xfaff},   {0x2f800, 0x2fa1f}};
  return std::ranges::any_of(
      blocks, [&](const auto& block) { return c >= block.first && c <= block.second; });
}

void append_clean(std::string& out, char32_t c) {
  const bool is_space = c == '\t' || c == '\n' || c == '\r' || is_white_space(c);
  const bool is_control = c != '\t' && c != '\n' && c != '\r' && is_other(c);
  if (c == 0 || c == 0xfffd || is_control) return;
  append_utf8(out, is_space ? U' ' : c);
}

void append_spaced(std::string& out, char32_t c) {
  if (is_chinese(c)) out += ' ';
  append_utf8(out, c);
  if (is_chinese(c)) out += ' ';
}

Result<Normalizer> make_bert(const Json& object) {
  const bool cleans = object["clean_text"].as_bool(true);
  const bool spaces_chinese = object["handle_chinese_chars"].as_bool(true);
  const bool lowers = object["lowercase"].as_bool(true);
  const bool strips = object["strip_accents"].as_bool(lowers);
  return [=](std::string text) -> Result<std::string> {
    if (cleans) text = map_characters(text, append_clean);
    if (spaces_chinese) text = map_characters(text, append_spaced);
    if (strips) {
      QB_TRY(const std::string decomposed, to_normal_form(text, NormalForm::nfd));
      text = without(decomposed, is_nonspacing_mark);
    }
    return lowers ? lowercase(text) : text;
  };
}

Result<Normalizer> make_replace(const Json& object) {
  const Json& pattern = object["pattern"];
  const std::string& regex = pattern["Regex"].as_string();
  const std::string& literal = pattern["String"].as_string();
  if (regex.empty() && literal.empty())
    return fail(Errc::unsupported, "pattern {} is not supported", shown(pattern));
  auto made = regex.empty() ? Splitter::literal(literal) : Splitter::compile(regex);
  if (!made) return tl::unexpected(std::move(made).error());
  const auto splitter = std::make_shared<const Splitter>(*std::move(made));
  return [splitter,
          content = object["content"].as_string()](const std::string& text) -> Result<std::string> {
    QB_TRY(const std::vector<Part> parts, splitter->parts(text));
    std::string out;
    for (const Part& part : parts) out += part.is_match ? content : std::string(part.text);
    return out;
  };
}

Result<Normalizer> make_prepend(const Json& object) {
  return [prefix = object["prepend"].as_string()](const std::string& text) {
    return text.empty() ? text : prefix + text;
  };
}

Result<Normalizer> make_byte_level(const Json&) {
  return [](const std::string& text) { return to_alphabet(text); };
}

// What NMT's machine translation took out and made a space.
Result<Normalizer> make_nmt(const Json&) {
  return [](const std::string& text) {
    return map_characters(text, [](std::string& out, char32_t c) {
      const bool is_dropped = (c >= 1 && c <= 8) || c == 0x0b || (c >= 0x0e && c <= 0x1f) ||
                              c == 0x7f || c == 0x8f || c == 0x9f;
      constexpr char32_t spaces[] = {9,      10,     12,     13,     0x1680, 0x200b, 0x200c, 0x200d,
                                     0x200e, 0x200f, 0x2028, 0x2029, 0x2581, 0xfeff, 0xfffd};
      if (!is_dropped) append_utf8(out, std::ranges::count(spaces, c) > 0 ? U' ' : c);
    });
  };
}

const KindRow<Normalizer> rows[] = {
    {"NFC", {}, make_form<NormalForm::nfc>},
    {"NFD", {}, make_form<NormalForm::nfd>},
    {"NFKC", {}, make_form<NormalForm::nfkc>},
    {"NFKD", {}, make_form<NormalForm::nfkd>},
    {"Lowercase", {}, make_lowercase},
    {"StripAccents", {}, make_strip_accents},
    {"Strip", {flag("strip_left"), flag("strip_right")}, make_strip},
    {"BertNormalizer",
     {flag("clean_text"), flag("handle_chinese_chars"), flag("strip_accents"), flag("lowercase")},
     make_bert},
    {"Replace", {table("pattern"), string("content")}, make_replace},
    {"Prepend", {string("prepend")}, make_prepend},
    {"ByteLevel", {}, make_byte_level},
    {"Nmt", {}, make_nmt},
    {"Precompiled", {string("precompiled_charsmap")}, make_precompiled},
};

}  // namespace

Result<std::vector<Normalizer>> make_normalizers(const Json& object) {
  std::vector<Normalizer> steps;
  QB_CHECK(add_steps<Normalizer>(object, "normalizer", "normalizers", rows, steps));
  return steps;
}

Result<std::string> normalize(const std::vector<Normalizer>& normalizers, std::string text) {
  for (const Normalizer& step : normalizers) {
    auto changed = step(std::move(text));
    if (!changed) return tl::unexpected(std::move(changed).error());
    text = *std::move(changed);
  }
  return text;
}

}  // namespace qb::text
