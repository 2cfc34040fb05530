#include "cli/consent.h"

#include <doctest/doctest.h>

using namespace qb::cli;

TEST_CASE("only yes is yes") {
  for (const char* answer : {"y", "Y", "yes", "YES\n", "  yes "}) CHECK(says_yes(answer));
  for (const char* answer : {"", "\n", "n", "no", "yess", "yeah", "1", "not yes"})
    CHECK_FALSE(says_yes(answer));
}

TEST_CASE("nobody is asked who has said yes, or who isn't there") {
  const auto never = []() -> std::string {
    FAIL("asked");
    return "";
  };
  CHECK(consent_of(true, true, never) == Consent::given);
  CHECK(consent_of(true, false, never) == Consent::given);
  CHECK(consent_of(false, false, never) == Consent::unasked);
  CHECK(consent_of(false, true, [] { return "y\n"; }) == Consent::given);
  CHECK(consent_of(false, true, [] { return "\n"; }) == Consent::refused);
}
