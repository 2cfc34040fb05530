#include "orchestration/campaign/cool_down.h"

#include <doctest/doctest.h>

#include "base/clock.h"

using namespace qb;
using namespace qb::campaign;

namespace {

constexpr int64_t pause_ns = 20'000'000;
int look_count = 0;

}  // namespace

TEST_CASE("no pause is none; a pause is as long as asked for") {
  CHECK(cool_down(0, nullptr).is_null());
  const int64_t start_ns = now_ns();
  const Json told = cool_down(pause_ns, nullptr, [] { return std::string(); });
  CHECK(now_ns() - start_ns >= pause_ns);
  CHECK(told["duration_ns"].as_int() >= pause_ns);
  CHECK_FALSE(told.contains("thermal_pressure"));
}

TEST_CASE("it lasts while there is thermal pressure, and not for ever") {
  look_count = 0;
  const Json told = cool_down(pause_ns, nullptr,
                              [] { return std::string(++look_count < 3 ? "heavy" : "nominal"); });
  CHECK(look_count == 3);
  CHECK(told["duration_ns"].as_int() >= 3 * pause_ns);
  CHECK(told["thermal_pressure"].as_string() == "nominal");
  look_count = 0;
  const Json hot = cool_down(pause_ns / 10, nullptr, [] {
    ++look_count;
    return std::string("trapping");
  });
  CHECK(look_count == 10);
  CHECK(hot["thermal_pressure"].as_string() == "trapping");
}

TEST_CASE("an interruption ends it") {
  const std::atomic<bool> is_interrupted = true;
  const int64_t start_ns = now_ns();
  cool_down(60'000'000'000, &is_interrupted, [] { return std::string("heavy"); });
  CHECK(now_ns() - start_ns < 1'000'000'000);
}
