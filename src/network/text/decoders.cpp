#include "network/text/decoders.h"

#include <fmt/ranges.h>

#include <memory>

#include "network/text/byte_alphabet.h"
#include "network/text/fields.h"
#include "network/text/splitter.h"
#include "network/text/utf8.h"

namespace qb::text {
namespace {

using Tokens = std::vector<std::string>;

std::string joined(const Tokens& tokens) { return fmt::format("{}", fmt::join(tokens, "")); }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  if (from.empty()) return text;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

template <typename Change>
Decoder change_each(const Change& change) {
  return [=](Tokens tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = change(std::move(tokens[i]), i);
    return tokens;
  };
}

Result<Decoder> make_byte_level(const Json&) {
  return [](const Tokens& tokens) {
    std::string bytes;
    for (const std::string& token : tokens) bytes += from_alphabet(token).value_or(token);
    return Tokens{to_valid_utf8(bytes)};
  };
}

Result<Decoder> make_fuse(const Json&) {
  return [](const Tokens& tokens) { return Tokens{joined(tokens)}; };
}

// <0x0A> and the like.
std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with(">")) return std::nullopt;
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto to_upper = [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; };
  const size_t high = digits.find(to_upper(token[3]));
  const size_t low = digits.find(to_upper(token[4]));
  if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

// Bytes that follow each other are text where they are UTF-8, else a sign each.
Result<Decoder> make_byte_fallback(const Json&) {
  return [](const Tokens& tokens) {
    Tokens out;
    std::string bytes;
    const auto flush = [&] {
      if (!bytes.empty() && !find_invalid_utf8(bytes))
        out.push_back(bytes);
      else
        out.insert(out.end(), bytes.size(), "\ufffd");
      bytes.clear();
    };
    for (const std::string& token : tokens) {
      if (const auto byte = byte_of(token)) {
        bytes += *byte;
        continue;
      }
      flush();
      out.push_back(token);
    }
    flush();
    return out;
  };
}

Result<Decoder> make_metaspace(const Json& object) {
  QB_TRY(const std::string mark, get_character(object, "replacement"));
  const bool is_off = object["add_prefix_space"] == Json(false);
  const bool prepends = !is_off && object["prepend_scheme"] != Json("never");
  return change_each([=](std::string token, size_t i) {
    return replaced(std::move(token), mark, i == 0 && prepends ? "" : " ");
  });
}

Result<Decoder> make_replace(const Json& object) {
  const Json& pattern = object["pattern"];
  const std::string& regex = pattern["Regex"].as_string();
  const std::string& literal = pattern["String"].as_string();
  if (!regex.empty() || literal.empty())
    return fail(Errc::unsupported, "pattern {} is not supported", shown(pattern));
  return change_each(
      [from = literal, to = object["content"].as_string()](std::string token, size_t) {
        return replaced(std::move(token), from, to);
      });
}

// Takes a character away at the ends of each token, so many times at most.
Result<Decoder> make_strip(const Json& object) {
  QB_TRY(const std::string mark, get_character(object, "content"));
  return change_each([mark, start = object["start"].as_int(), stop = object["stop"].as_int()](
                         const std::string& token, size_t) {
    std::string_view rest = token;
    for (int64_t i = 0; i < start && rest.starts_with(mark); ++i) rest.remove_prefix(mark.size());
    for (int64_t i = 0; i < stop && rest.ends_with(mark); ++i) rest.remove_suffix(mark.size());
    return std::string(rest);
  });
}

std::string tidied(std::string text) {  // what BERT's authors took back of their own cutting
  constexpr std::pair<std::string_view, std::string_view> rows[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : rows) text = replaced(std::move(text), from, to);
  return text;
}

Result<Decoder> make_word_piece(const Json& object) {
  const bool tidies = object["cleanup"].as_bool(true);
  return change_each([tidies, prefix = object["prefix"].as_string()](std::string token, size_t i) {
    if (i > 0) token = token.starts_with(prefix) ? token.substr(prefix.size()) : " " + token;
    return tidies ? tidied(std::move(token)) : token;
  });
}

// A token that ends a word has the suffix: there a space follows, unless it is the last.
Result<Decoder> make_bpe(const Json& object) {
  return [suffix = object["suffix"].as_string()](Tokens tokens) {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = replaced(std::move(tokens[i]), suffix, i + 1 == tokens.size() ? "" : " ");
    return tokens;
  };
}

const KindRow<Decoder> rows[] = {
    {"ByteLevel",
     {flag("add_prefix_space"), flag("trim_offsets"), flag("use_regex")},
     make_byte_level},
    {"Fuse", {}, make_fuse},
    {"ByteFallback", {}, make_byte_fallback},
    {"Metaspace",
     {string("replacement"), flag("add_prefix_space"), string("prepend_scheme"), flag("split"),
      string("str_rep")},
     make_metaspace},
    {"Replace", {table("pattern"), string("content")}, make_replace},
    {"Strip", {string("content"), integer("start"), integer("stop")}, make_strip},
    {"WordPiece", {string("prefix"), flag("cleanup")}, make_word_piece},
    {"BPEDecoder", {string("suffix")}, make_bpe},
};

}  // namespace

Result<std::vector<Decoder>> make_decoders(const Json& object) {
  std::vector<Decoder> steps;
  QB_CHECK(add_steps<Decoder>(object, "decoder", "decoders", rows, steps));
  return steps;
}

std::string join_tokens(const std::vector<Decoder>& decoders, std::vector<std::string> tokens) {
  if (decoders.empty()) return fmt::format("{}", fmt::join(tokens, " "));
  for (const Decoder& step : decoders) tokens = step(std::move(tokens));
  return joined(tokens);
}

}  // namespace qb::text
