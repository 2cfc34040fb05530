#include "network/text/pattern.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <vector>

namespace qb::text {
namespace {

// Items of a class in PCRE2: Unicode's White_Space (PCRE2's \s has U+180E, which left it in Unicode
// 6.3), and what Oniguruma takes for words.
constexpr std::string_view spaces = R"(\t-\r\x{85}\p{Z})";
constexpr std::string_view words =
    R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";
// Within a class Oniguruma leaves the numbers of Latin-1 (², ³, ¹, ¼, ½, ¾) out of the words.
constexpr std::string_view word_in_class = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}])";
constexpr std::string_view hex_digits = "0-9a-fA-F";

struct PosixClass {
  std::string_view name, items;
};
constexpr PosixClass posix_classes[] = {{"alpha", R"(\p{Alphabetic})"},
                                        {"alnum", R"(\p{Alphabetic}\p{Nd})"},
                                        {"digit", R"(\p{Nd})"},
                                        {"upper", R"(\p{Uppercase})"},
                                        {"lower", R"(\p{Lowercase})"},
                                        {"space", spaces},
                                        {"word", words},
                                        {"xdigit", hex_digits},
                                        {"cntrl", R"(\p{Cc})"},
                                        {"blank", R"(\t\p{Zs})"},
                                        {"ascii", R"(\x00-\x7f)"}};

// Properties that both know by that name; another name is a script's, which PCRE2 must be told.
constexpr std::string_view properties[] = {
    "L",  "Ll", "Lm", "Lo", "Lt", "Lu", "M",   "Mc",         "Me",        "Mn",
    "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd",  "Pe",         "Pf",        "Pi",
    "Po", "Ps", "S",  "Sc", "Sk", "Sm", "So",  "Z",          "Zl",        "Zp",
    "Zs", "C",  "Cc", "Cf", "Cn", "Co", "Any", "Alphabetic", "Uppercase", "Lowercase"};

std::string one_of(std::string_view items) { return fmt::format("[{}]", items); }
// One character that isn't what the expression of one matches.
std::string not_matching(std::string_view text) { return fmt::format(R"((?:(?!{})(?s:.)))", text); }
std::string none_of(std::string_view items) { return fmt::format("[^{}]", items); }

// An escape as what matches one character: items of a class, or what is not of them.
struct Escape {
  std::string items;
  bool is_negated = false;
  bool is_single = false;  // one character, which may begin or end a range

  std::string text() const { return is_negated ? none_of(items) : one_of(items); }
};

// What matches one character of several things.
struct Union {
  std::string items;                // of one simple class
  std::vector<std::string> others;  // expressions that can't be in it
  bool may_range = false;           // the last item is a character, which may begin a range

  void add(std::string_view expression) {
    may_range = false;
    if (expression.starts_with("[") && !expression.starts_with("[^"))
      items += expression.substr(1, expression.size() - 2);
    else
      others.emplace_back(expression);
  }
  std::string text() const {
    if (others.empty()) return one_of(items);
    if (items.empty() && others.size() == 1) return others.front();
    const std::string rest = fmt::format("{}", fmt::join(others, "|"));
    return items.empty() ? fmt::format("(?:{})", rest)
                         : fmt::format("(?:{}|{})", one_of(items), rest);
  }
};

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  Result<std::string> run() {
    while (!is_done()) {
      QB_CHECK(step());
    }
    if (!groups_.empty()) return refuse("a group without end");
    return out_;
  }

 private:
  bool is_done() const { return at_ >= pattern_.size(); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }
  bool take(std::string_view text) {
    if (!pattern_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  tl::unexpected<Error> refuse(std::string_view what) const {
    return fail(Errc::unsupported, "pre-tokenizer pattern {}: {} at {} is not followed", pattern_,
                what, at_);
  }
  std::string_view take_character() {
    const size_t start = at_++;
    while (!is_done() && (static_cast<unsigned char>(peek()) & 0xc0u) == 0x80u) ++at_;
    return pattern_.substr(start, at_ - start);
  }
  // What a quantifier then repeats.
  void add_atom(std::string_view text) {
    atom_ = out_.size();
    out_ += text;
  }

  Result<void> step();
  Result<void> open_group();
  Result<void> quantify();
  Result<void> add_escape();
  Result<Escape> read_escape();
  Result<Escape> read_code_point();
  Result<Escape> read_property(bool is_negated);
  Result<std::string> read_class();
  Result<std::string> read_union();
  Result<void> add_item(Union& made);
  Result<Escape> read_item();
  Result<std::string> read_posix();

  std::string_view pattern_;
  size_t at_ = 0;
  std::string out_;
  size_t atom_ = std::string::npos;  // where the last one begins in out_
  std::vector<size_t> groups_;       // where those that are open begin in out_
  int depth_ = 0;                    // of classes
};

Result<void> Translator::step() {
  const char c = peek();
  switch (c) {
    case '\\':
      return add_escape();
    case '[': {
      ++at_;
      QB_TRY(const std::string text, read_class());
      add_atom(text);
      return {};
    }
    case '(':
      return open_group();
    case ')':
      if (groups_.empty()) return refuse("a ) without (");
      ++at_;
      out_ += ')';
      atom_ = groups_.back();
      groups_.pop_back();
      return {};
    case '*':
    case '+':
    case '?':
    case '{':
      return quantify();
    case '^':
    case '$':  // of lines, always
      ++at_;
      add_atom(fmt::format("(?m:{})", c));
      return {};
    default:
      break;
  }
  add_atom(take_character());
  if (c == '|') atom_ = std::string::npos;
  return {};
}

Result<void> Translator::open_group() {
  constexpr std::string_view alike[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:"};
  const size_t begin = out_.size();
  for (const std::string_view opening : alike)
    if (take(opening)) {
      out_ += opening;
      groups_.push_back(begin);
      return {};
    }
  // Elsewhere Oniguruma closes it at the next bar, PCRE2 doesn't.
  if (at_ == 0 && take("(?i)")) {
    out_ += "(?i)";
    return {};
  }
  if (peek(1) == '?' || peek(1) == '*')
    return refuse(fmt::format("the group \"{}\"", pattern_.substr(at_, 4)));
  ++at_;
  out_ += "(?:";  // nothing asks what it caught
  groups_.push_back(begin);
  return {};
}

Result<void> Translator::quantify() {
  std::string quantifier(1, peek());
  bool is_interval = false;
  bool is_exact = false;
  if (peek() == '{') {
    const size_t end = pattern_.find('}', at_);
    const std::string_view inner =
        end == std::string_view::npos ? "" : pattern_.substr(at_ + 1, end - at_ - 1);
    const size_t comma = inner.find(',');
    const auto are_digits = [](std::string_view text) {
      return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    };
    const std::string_view low = inner.substr(0, comma);
    const std::string_view high = comma == std::string_view::npos ? low : inner.substr(comma + 1);
    if (!are_digits(low) || !are_digits(high) || (low.empty() && high.empty()))
      return refuse("a { that is no interval");
    is_interval = true;
    is_exact = comma == std::string_view::npos;
    quantifier = is_exact ? fmt::format("{{{}}}", low)
                          : fmt::format("{{{},{}}}", low.empty() ? "0" : low, high);
    at_ = end + 1;
  } else {
    ++at_;
  }
  if (atom_ == std::string::npos) return refuse("a quantifier of nothing");
  out_ += quantifier;
  const char next = peek();
  if (next != '+' && next != '?') return {};
  // {n,m}+ and {n}? repeat the interval: here they would be possessive and lazy.
  if (is_interval && (next == '+' || is_exact)) {
    out_.insert(atom_, "(?:");
    out_ += ")";
    return {};  // and the next step adds the quantifier
  }
  ++at_;
  out_ += next;
  return {};
}

Result<void> Translator::add_escape() {
  const std::string word = one_of(words);
  if (take("\\b")) {
    add_atom(fmt::format("(?:(?<={0})(?!{0})|(?<!{0})(?={0}))", word));
    return {};
  }
  if (take("\\B")) {
    add_atom(fmt::format("(?:(?<={0})(?={0})|(?<!{0})(?!{0}))", word));
    return {};
  }
  for (const std::string_view anchor : {"\\A", "\\z", "\\Z", "\\R"})
    if (take(anchor)) {
      add_atom(anchor);
      return {};
    }
  ++at_;
  QB_TRY(const Escape escape, read_escape());
  add_atom(escape.is_single ? escape.items : escape.text());
  return {};
}

// Behind the backslash.
Result<Escape> Translator::read_escape() {
  const char c = peek();
  const auto items = [&](std::string_view text, char negation) {
    ++at_;
    return Escape{std::string(text), c == negation};
  };
  switch (c) {
    case 's':
    case 'S':
      return items(spaces, 'S');
    case 'd':
    case 'D':
      return items(R"(\p{Nd})", 'D');
    case 'w':
    case 'W':
      return items(words, 'W');
    case 'h':
    case 'H':
      return items(hex_digits, 'H');
    case 'p':
    case 'P':
      ++at_;
      return read_property(c == 'P');
    case 'x':
    case 'u':
      ++at_;
      return read_code_point();
    case 'v':
      ++at_;
      return Escape{R"(\x0b)", false, true};
    case 't':
    case 'n':
    case 'r':
    case 'f':
    case 'a':
    case 'e':
      ++at_;
      return Escape{fmt::format("\\{}", c), false, true};
    default:
      break;
  }
  if (c == '\0' || std::isalnum(static_cast<unsigned char>(c)) || static_cast<signed char>(c) < 0)
    return refuse(fmt::format("the escape \\{}", c));
  ++at_;
  return Escape{fmt::format("\\{}", c), false, true};
}

// \x41, \x{1F600} or \u0041, behind the letter.
Result<Escape> Translator::read_code_point() {
  const bool is_unicode = pattern_[at_ - 1] == 'u';
  const bool has_braces = !is_unicode && take("{");
  const size_t length_max = has_braces ? 8 : is_unicode ? 4 : 2;
  std::string digits;
  while (digits.size() < length_max && std::isxdigit(static_cast<unsigned char>(peek())))
    digits += pattern_[at_++];
  // Two digits are a byte there, which beyond ASCII is no character.
  const bool is_byte = !is_unicode && !has_braces && (digits.size() < 2 || digits[0] > '7');
  if (digits.empty() || (has_braces && !take("}")) || (is_unicode && digits.size() < 4) || is_byte)
    return refuse("an escape of a character");
  return Escape{fmt::format("\\x{{{}}}", digits), false, true};
}

// {L}, {^L} or {Han}, behind \p.
Result<Escape> Translator::read_property(bool is_negated) {
  const size_t end = pattern_.find('}', at_);
  if (!take("{") || end == std::string_view::npos) return refuse("\\p without braces");
  if (take("^")) is_negated = !is_negated;
  const std::string_view name = pattern_.substr(at_, end - at_);
  const bool is_word = std::ranges::all_of(
      name, [](unsigned char c) { return c < 0x80 && (std::isalpha(c) || c == '_'); });
  if (name.empty() || !is_word) return refuse(fmt::format("the property {{{}}}", name));
  at_ = end + 1;
  if (name == "Space" || name == "White_Space") return Escape{std::string(spaces), is_negated};
  const bool is_known = std::ranges::find(properties, name) != std::end(properties);
  // A name alone would be the script's extensions.
  return Escape{fmt::format(R"(\p{{{}{}}})", is_known ? "" : "sc:", name), is_negated};
}

// Behind its [: what matches one character of the class.
Result<std::string> Translator::read_class() {
  constexpr int depth_max = 32;
  if (++depth_ > depth_max) return refuse("a class nested too deep");
  const bool is_negated = take("^");
  QB_TRY(std::string text, read_union());
  while (take("&&")) {
    QB_TRY(const std::string other, read_union());
    text = fmt::format("(?:(?={}){})", text, other);
  }
  if (!take("]")) return refuse("a class without end");
  --depth_;
  if (!is_negated) return text;
  // Of one simple class PCRE2 has the negation itself.
  if (text.starts_with("[") && !text.starts_with("[^")) return "[^" + text.substr(1);
  return not_matching(text);
}

// Up to && or ].
Result<std::string> Translator::read_union() {
  Union made;
  for (bool is_first = true;; is_first = false) {
    if (is_done()) return refuse("a class without end");
    if (pattern_.substr(at_).starts_with("&&") || (peek() == ']' && !is_first)) break;
    QB_CHECK(add_item(made));
  }
  if (made.items.empty() && made.others.empty()) return refuse("an empty class");
  return made.text();
}

Result<void> Translator::add_item(Union& made) {
  if (take("[:")) {
    QB_TRY(const std::string posix, read_posix());
    made.add(posix);
    return {};
  }
  if (take("[")) {
    QB_TRY(const std::string inner, read_class());
    made.add(inner);
    return {};
  }
  if (take("\\w") || take("\\W")) {
    const bool is_word = pattern_[at_ - 1] == 'w';
    made.add(is_word ? std::string(word_in_class) : not_matching(word_in_class));
    return {};
  }
  const bool is_range =
      peek() == '-' && made.may_range && peek(1) != ']' && !pattern_.substr(at_).starts_with("-&&");
  if (is_range) ++at_;
  if (is_range && peek() == '[') return refuse("a range to a class");
  QB_TRY(const Escape item, read_item());
  if (is_range && !item.is_single) return refuse("a range to a class");
  if (is_range) made.items += '-';
  if (item.is_negated)
    made.add(item.text());
  else
    made.items += item.items;
  made.may_range = item.is_single && !is_range;
  return {};
}

// A character of a class, or an escape.
Result<Escape> Translator::read_item() {
  if (take("\\")) return read_escape();
  const std::string text(take_character());
  const bool is_special = text == "-" || text == "]" || text == "^";
  return Escape{is_special ? "\\" + text : text, false, true};
}

// Behind [:
Result<std::string> Translator::read_posix() {
  const bool is_negated = take("^");
  if (take("word:]")) return is_negated ? not_matching(word_in_class) : std::string(word_in_class);
  for (const PosixClass& row : posix_classes)
    if (take(fmt::format("{}:]", row.name)))
      return is_negated ? none_of(row.items) : one_of(row.items);
  return refuse(
      fmt::format("the class [:{}", pattern_.substr(at_, pattern_.find(']', at_) - at_ + 1)));
}

}  // namespace

Result<std::string> to_pcre2(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace qb::text
