#include "base/processor.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace qb;

TEST_CASE("what was built for this processor runs here, and another is told what it lacks") {
  CHECK(check_processor());
  const std::string_view needed[] = {"avx", "avx2", "avx512f"};
  const auto refused = check_processor(needed, {"sse4_2", "avx"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("has no avx2, avx512f; build it here") != std::string::npos);
  CHECK(check_processor(needed, {}));  // a system that doesn't tell
  const auto known = processor_instructions();
  if (!known.contains("avx2")) {
    MESSAGE("not run here: whether this build knows what it needs is told of AVX2 only");
    return;
  }
  const auto own = needed_instructions();
  CHECK(std::ranges::find(own, "avx2") != own.end());
}
