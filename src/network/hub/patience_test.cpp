#include "network/hub/patience.h"

#include <doctest/doctest.h>

using namespace qb::hub;

TEST_CASE("what may pass is tried again, what lasts is not") {
  for (const int64_t status : {408, 429, 500, 502, 503, 504}) CHECK(is_passing({.status = status}));
  for (const int64_t status : {400, 401, 403, 404, 410, 451})
    CHECK_FALSE(is_passing({.status = status}));
  Reply broken = {.status = 200, .trouble = "the connection broke"};
  CHECK(is_passing(broken));
  broken.is_lasting = true;
  CHECK_FALSE(is_passing(broken));
}

TEST_CASE("waits double, and five failures are enough") {
  Patience patience;
  const Reply busy = {.status = 503};
  for (const int64_t wait_ms : {500, 1000, 2000, 4000})
    CHECK(patience.next_wait_ms(busy, 0) == wait_ms);
  CHECK_FALSE(patience.next_wait_ms(busy, 0));
}

TEST_CASE("tries count anew after one that brought something") {
  Patience patience;
  const Reply busy = {.status = 503};
  for (int i = 0; i < 20; ++i) CHECK(patience.next_wait_ms(busy, 1'000'000) == 500);
  CHECK(patience.next_wait_ms(busy, 999'999) == 1000);
}

TEST_CASE("a server's wish for a longer wait is kept, within reason") {
  Reply busy = {.status = 429};
  busy.retry_after_s = 7;
  CHECK(Patience().next_wait_ms(busy, 0) == 7000);
  busy.retry_after_s = 301;
  CHECK_FALSE(Patience().next_wait_ms(busy, 0));
}

TEST_CASE("waiting ends when it is told to") {
  int asked = 0;
  CHECK_FALSE(wait(60'000, [&] { return ++asked < 3; }));
  CHECK(asked == 3);
  CHECK(wait(1, [] { return true; }));
}
