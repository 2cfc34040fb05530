#include "measurement/prepare/sentences.h"

#include <doctest/doctest.h>

using namespace qb;

TEST_CASE("a text is cut where a sentence ends and the next begins") {
  const auto sentences = prepare::cut_sentences(
      "# A heading that would otherwise be the beginning of a sentence.\n"
      "The first sentence goes over\nthe end of a line of the text. The second asks Mr. Brown of "
      "no. II whether it is one! A third.\n"
      "\n"
      "begins small and so is only a part of what stood on the page before. What follows is whole, "
      "and long enough to count.\n"
      "\n"
      "This one is broken off by the end of its page, and so it has no\n");
  REQUIRE(sentences.size() == 3);
  CHECK(sentences[0] == "The first sentence goes over the end of a line of the text.");
  CHECK(sentences[1] == "The second asks Mr. Brown of no. II whether it is one!");
  CHECK(sentences[2] == "What follows is whole, and long enough to count.");
}

TEST_CASE("neither an empty text nor one without sentences has any") {
  CHECK(prepare::cut_sentences("").empty());
  CHECK(prepare::cut_sentences("\n\n...\n?!\n").empty());
  CHECK(prepare::cut_sentences("A " + std::string(400, 'a') + ".").empty());
}
