#include "network/text/pattern.h"

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include "network/text/splitter.h"

using namespace qb;
using namespace qb::text;

namespace {

// The pieces, with bars between them.
std::string cut(std::string_view pattern, std::string_view text) {
  const auto splitter = Splitter::compile(pattern);
  CAPTURE((splitter ? std::string() : splitter.error().message));
  REQUIRE(splitter);
  const auto parts = splitter->parts(text);
  REQUIRE(parts);
  return fmt::format("{}", fmt::join(pieces_of(*parts, Behaviour::isolated), "|"));
}

}  // namespace

TEST_CASE("a pattern means what it means to Oniguruma") {
  struct Row {
    std::string_view pattern, text, pieces;
  };
  const Row rows[] = {
      {"[a-z&&[^m-p]]+", "almost", "al|mo|st"},
      {"[^a-z&&[^m-p]]+", "almost", "al|mo|st"},
      {"[\\p{L}&&[^\\p{Han}]]+", "ab漢字cd、", "ab|漢字|cd|、"},
      {"[a[bc]d]+", "xabcdx", "x|abcd|x"},
      {"[^a[bc]]+", "xabcx", "x|abc|x"},
      {"[[a-c]&&[b-d]&&[^c]]", "abcd", "a|b|cd"},
      {"\\h+", "xbad9 z", "x|bad9| z"},
      {"\\H+", "xbadz", "x|bad|z"},
      {"[\\hz]+", "xbadz", "x|badz"},
      {"[^\\S\\n]+", "a \t\nb", "a| \t|\nb"},
      {"[[:alpha:]]+", "1é漢2", "1|é漢|2"},
      {"[[:^alpha:]]+", "a12b", "a|12|b"},
      {"[[:space:]x]+", "a x\u00a0b", "a| x\u00a0|b"},
      {"\\w+", "a\u0301b_c d", "a\u0301b_c| |d"},
      {"\\bcd", "cdcd cd", "cd|cd |cd"},
      {"\\v", "a\n\x0b", "a\n|\x0b"},
      {"\\s+", "a\u180e\u0085b", "a\u180e|\u0085|b"},
      {"^b", "a\nb", "a\n|b"},
      {"\\p{N}{1,3}+", "12345", "12345"},
      {"\\p{N}{1,3}", "12345", "123|45"},
      {"a{,2}b", "aaab", "a|aab"},
      {"a{2}?b", "aaab", "a|aab"},
      {"a++b", "aab", "aab"},
      {"\\u0061\\x62\\x{63}", "xabc", "x|abc"},
      {"[]a]+", "x]a", "x|]a"},
      {"[a\\-c]+", "a-bc", "a-|b|c"},
      {"[a-]+", "a-b", "a-|b"},
      {"\\p{^L}+", "a12b", "a|12|b"},
      {"(?i:'S|'t)", "it'S", "it|'S"},
      {"[^\\w]+", "a\u00b2b", "a|\u00b2|b"},  // no word within a class, one outside
      {"\\w+", "a\u00b2b", "a\u00b2b"},
      {"\\w+", "a\u2460b", "a|\u2460|b"},  // no number of later blocks is of a word
      {"x*", "axxbc", "a|xx|b|c"},         // an empty match cuts
  };
  for (const Row& row : rows) {
    CAPTURE(row.pattern);
    CHECK(cut(row.pattern, row.text) == row.pieces);
  }
}

TEST_CASE("what isn't followed is refused by its name") {
  struct Row {
    std::string_view pattern, what;
  };
  const Row rows[] = {
      {"(?m:a)", "the group \"(?m:\" at 0"},
      {"a(?i)b", "the group \"(?i)\" at 1"},
      {"(?<x>a)", "the group \"(?<x\" at 0"},
      {"(*FAIL)", "the group \"(*FA\" at 0"},
      {"a\\1", "the escape \\1 at 2"},
      {"\\K", "the escape \\K"},
      {"\\X", "the escape \\X"},
      {"\\G", "the escape \\G"},
      {"\\pL", "\\p without braces"},
      {"\\xe9", "an escape of a character"},
      {"[[:punct:]]", "the class [:punct:]"},
      {"[[:graph:]]", "the class [:graph:]"},
      {"[a-\\d]", "a range to a class"},
      {"[a", "a class without end"},
      {"(a", "a group without end"},
      {"a)", "a ) without ("},
      {"*a", "a quantifier of nothing"},
      {"\\p{Script=Han}", "the property {Script=Han}"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.pattern);
    const auto translated = to_pcre2(row.pattern);
    REQUIRE_FALSE(translated);
    CHECK(translated.error().code == Errc::unsupported);
    CHECK(translated.error().message.find(row.what) != std::string::npos);
    CHECK(translated.error().message.find(row.pattern) != std::string::npos);
  }
}
