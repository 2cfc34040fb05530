#include "results/dashboard/listing.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::dashboard;

namespace {

store::RecordLine line(int64_t row, const char* run, const char* scheme, const char* framework,
                       const char* version, const char* outcome = "ok") {
  return {.row = row,
          .run_id = run,
          .case_id = fmt::format("m/{}/{}/cpu/b1", scheme, framework),
          .model = "m",
          .scheme = scheme,
          .framework = framework,
          .device = "cpu",
          .task = "image_classification",
          .outcome = outcome,
          .recorded_at = "2026-11-25T00:00:00Z",
          .framework_version = version};
}

Listing made_up() {
  Listing listing;
  listing.add(store::RunLine{1, "r1", "t1", "quick", "A"});
  listing.add(store::RunLine{2, "r2", "t2", "quick", "B"});
  listing.add(line(1, "r1", "fp32", "pytorch", "2.9"));
  listing.add(line(2, "r1", "w8c", "pytorch", "2.9"));
  listing.add(line(3, "r2", "w8c", "pytorch@2.9", "2.9", "crashed"));
  listing.add(line(4, "r2", "w8c", "pytorch@2.13", "2.13"));
  return listing;
}

size_t count_of(const Listing& listing, const Parameters& wanted) {
  return listing.find(wanted).size();
}

}  // namespace

TEST_CASE("a listing finds lines by each column, by run and by words, the newest first") {
  const Listing listing = made_up();
  REQUIRE(count_of(listing, {}) == 4);
  CHECK(listing.find({})[0]->row == 4);
  CHECK(count_of(listing, {{"scheme", "w8c"}}) == 3);
  CHECK(count_of(listing, {{"scheme", "w8c"}, {"scheme", "fp32"}}) == 4);
  CHECK(count_of(listing, {{"scheme", "w8c"}, {"machine", "A"}}) == 1);
  CHECK(count_of(listing, {{"version", "2.13"}}) == 1);
  CHECK(count_of(listing, {{"outcome", "crashed"}}) == 1);
  CHECK(count_of(listing, {{"run", "r1"}}) == 2);
  CHECK(count_of(listing, {{"run", "r3"}}) == 0);
  CHECK(count_of(listing, {{"find", "pytorch@2"}}) == 2);
  CHECK(count_of(listing, {{"model", "none"}}) == 0);
  // A word of another column is none of this one.
  CHECK(count_of(listing, {{"model", "w8c"}}) == 0);
  // What it doesn't know it leaves alone.
  CHECK(count_of(listing, {{"page", "2"}}) == 4);
}

TEST_CASE("a column's counts are those that the other columns' filters leave") {
  const Json facets = made_up().facets({{"scheme", "w8c"}, {"machine", "B"}});
  const auto text_of = [&](std::string_view name) {
    for (const Json& facet : facets.as_array())
      if (facet["column"].as_string() == name) return dump_json(facet["values"]);
    return std::string();
  };
  CHECK(text_of("machine") == R"([{"value":"A","count":1},{"value":"B","count":2}])");
  CHECK(text_of("scheme") == R"([{"value":"w8c","count":2}])");
  CHECK(text_of("outcome") == R"([{"value":"crashed","count":1},{"value":"ok","count":1}])");
}

TEST_CASE("a record that is read again takes its own place") {
  Listing listing = made_up();
  listing.add(line(3, "r2", "w8c", "pytorch@2.9", "2.9", "ok"));
  CHECK(count_of(listing, {}) == 4);
  CHECK(count_of(listing, {{"outcome", "ok"}}) == 4);
  CHECK(listing.runs()[1].record_count == 2);
  CHECK(listing.last_row() == 4);
}

TEST_CASE("a record of a run that isn't known yet waits for the next look") {
  Listing listing = made_up();
  listing.add(line(5, "r3", "w8c", "pytorch", "2.9"));
  CHECK(count_of(listing, {}) == 4);
  CHECK(listing.last_row() == 4);
}
