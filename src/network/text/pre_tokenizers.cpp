#include "network/text/pre_tokenizers.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "network/text/byte_alphabet.h"
#include "network/text/fields.h"
#include "network/text/splitter.h"
#include "network/text/utf8.h"

namespace qb::text {

const std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

constexpr std::string_view punctuation = R"([!-/:-@\[-`{-~\p{P}])";

Result<std::optional<Behaviour>> behaviour_of(const Json& object) {
  constexpr std::pair<std::string_view, Behaviour> names[] = {
      {"Isolated", Behaviour::isolated},
      {"Removed", Behaviour::removed},
      {"Contiguous", Behaviour::contiguous},
      {"MergedWithPrevious", Behaviour::merged_with_previous},
      {"MergedWithNext", Behaviour::merged_with_next}};
  if (object["behavior"].is_null()) return std::nullopt;
  for (const auto& [name, behaviour] : names)
    if (object["behavior"].as_string() == name) return behaviour;
  return fail(Errc::unsupported, "behavior {} is not supported", shown(object["behavior"]));
}

Result<PreTokenizer> cut_by(Result<Splitter> made, Behaviour behaviour, bool is_inverted = false) {
  if (!made) return tl::unexpected(std::move(made).error());
  const auto splitter = std::make_shared<const Splitter>(*std::move(made));
  return [=](const std::vector<Piece>& pieces) -> Result<std::vector<Piece>> {
    std::vector<Piece> out;
    for (const Piece& piece : pieces) {
      QB_TRY(std::vector<Part> parts, splitter->parts(piece.text));
      if (is_inverted)
        for (Part& part : parts) part.is_match = !part.is_match;
      for (const std::string_view finer : pieces_of(parts, behaviour))
        out.push_back({std::string(finer), piece.is_first && finer.data() == piece.text.data()});
    }
    return out;
  };
}

PreTokenizer chain(const PreTokenizer& first, const PreTokenizer& second) {
  return [=](std::vector<Piece> pieces) -> Result<std::vector<Piece>> {
    QB_TRY(std::vector<Piece> cut, first(std::move(pieces)));
    return second(std::move(cut));
  };
}

// What changes each piece and cuts none.
template <typename Change>
PreTokenizer change_each(const Change& change) {
  return [=](std::vector<Piece> pieces) -> Result<std::vector<Piece>> {
    for (Piece& piece : pieces) change(piece);
    return pieces;
  };
}

Result<PreTokenizer> make_byte_level(const Json& object) {
  const bool adds_space = object["add_prefix_space"].as_bool(true);
  const PreTokenizer prefix = change_each([=](Piece& piece) {
    if (adds_space && !piece.text.starts_with(' ')) piece.text.insert(0, 1, ' ');
  });
  const PreTokenizer spell =
      change_each([](Piece& piece) { piece.text = to_alphabet(piece.text); });
  if (!object["use_regex"].as_bool(true)) return chain(prefix, spell);
  QB_TRY(const PreTokenizer cut, cut_by(Splitter::compile(gpt2_pattern), Behaviour::isolated));
  return chain(chain(prefix, cut), spell);
}

Result<PreTokenizer> make_split(const Json& object) {
  QB_TRY(const std::optional<Behaviour> behaviour, behaviour_of(object));
  const Json& pattern = object["pattern"];
  const std::string& regex = pattern["Regex"].as_string();
  const std::string& literal = pattern["String"].as_string();
  if (!behaviour || (regex.empty() && literal.empty()))
    return fail(Errc::unsupported, "{} is not supported", shown(object));
  return cut_by(regex.empty() ? Splitter::literal(literal) : Splitter::compile(regex), *behaviour,
                object["invert"].as_bool());
}

Result<PreTokenizer> make_digits(const Json& object) {
  const bool is_each = object["individual_digits"].as_bool();
  return cut_by(Splitter::compile(is_each ? R"(\p{N})" : R"(\p{N}+)"), Behaviour::isolated);
}

Result<PreTokenizer> make_punctuation(const Json& object) {
  QB_TRY(const std::optional<Behaviour> behaviour, behaviour_of(object));
  return cut_by(Splitter::compile(punctuation), behaviour.value_or(Behaviour::isolated));
}

Result<PreTokenizer> make_bert(const Json&) {
  QB_TRY(const PreTokenizer spaces, cut_by(Splitter::compile(R"(\s)"), Behaviour::removed));
  QB_TRY(const PreTokenizer signs, cut_by(Splitter::compile(punctuation), Behaviour::isolated));
  return chain(spaces, signs);
}

Result<PreTokenizer> make_whitespace(const Json&) {  // its words are Rust's
  return cut_by(Splitter::compile(R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]+|)"
                                  R"([^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d\s]+)"),
                Behaviour::removed, true);
}

Result<PreTokenizer> make_whitespace_split(const Json&) {
  return cut_by(Splitter::compile(R"(\s)"), Behaviour::removed);
}

Result<PreTokenizer> make_delimiter_split(const Json& object) {
  QB_TRY(const std::string delimiter, get_character(object, "delimiter"));
  return cut_by(Splitter::literal(delimiter), Behaviour::removed);
}

// Whether SentencePiece's mark is put before pieces: "always", "first" or "never".
Result<std::string> prepend_scheme_of(const Json& object) {
  const bool is_off = object["add_prefix_space"] == Json(false);
  if (object["prepend_scheme"].is_null()) return std::string(is_off ? "never" : "always");
  const std::string& scheme = object["prepend_scheme"].as_string();
  if (scheme != "always" && scheme != "first" && scheme != "never")
    return fail(Errc::unsupported, "prepend_scheme {} is not supported",
                shown(object["prepend_scheme"]));
  if (is_off && scheme != "never")
    return fail(Errc::bad_input, "add_prefix_space false contradicts prepend_scheme \"{}\"",
                scheme);
  return scheme;
}

Result<PreTokenizer> make_metaspace(const Json& object) {
  QB_TRY(const std::string mark, get_character(object, "replacement"));
  QB_TRY(const std::string scheme, prepend_scheme_of(object));
  const PreTokenizer spell = change_each([=](Piece& piece) {
    std::string text;
    for (const char c : piece.text)
      if (c == ' ')
        text += mark;
      else
        text += c;
    const bool is_wanted = scheme == "always" || (scheme == "first" && piece.is_first);
    piece.text = is_wanted && !text.starts_with(mark) ? mark + text : text;
  });
  if (!object["split"].as_bool(true)) return spell;
  QB_TRY(const PreTokenizer cut, cut_by(Splitter::literal(mark), Behaviour::merged_with_next));
  return chain(spell, cut);
}

const KindRow<PreTokenizer> rows[] = {
    {"ByteLevel",
     {flag("add_prefix_space"), flag("trim_offsets"), flag("use_regex")},
     make_byte_level},
    {"Split", {table("pattern"), string("behavior"), flag("invert")}, make_split},
    {"Digits", {flag("individual_digits")}, make_digits},
    {"Punctuation", {string("behavior")}, make_punctuation},
    {"BertPreTokenizer", {}, make_bert},
    {"Whitespace", {}, make_whitespace},
    {"WhitespaceSplit", {}, make_whitespace_split},
    {"CharDelimiterSplit", {string("delimiter")}, make_delimiter_split},
    {"Metaspace",
     {string("replacement"), flag("add_prefix_space"), string("prepend_scheme"), flag("split"),
      string("str_rep")},
     make_metaspace},
};

}  // namespace

Result<std::vector<PreTokenizer>> make_pre_tokenizers(const Json& object) {
  std::vector<PreTokenizer> steps;
  QB_CHECK(add_steps<PreTokenizer>(object, "pre_tokenizer", "pretokenizers", rows, steps));
  return steps;
}

}  // namespace qb::text
