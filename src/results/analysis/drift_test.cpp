#include "results/analysis/drift.h"

#include <doctest/doctest.h>

#include "base/rng.h"

using namespace qb;
using namespace qb::analysis;

namespace {

// Cases measured in turn, whose pictures take 1, 2, … ms, and longer by `slowdown` at the end.
std::vector<Record> run_of(double slowdown, int64_t block_count, const char* device = "gpu") {
  constexpr int64_t case_count = 4;
  std::vector<Record> records;
  for (int64_t i = 0; i < case_count; ++i)
    records.push_back({.subject = {"m",
                                   fmt::format("s{}", i),
                                   "mlx",
                                   device,
                                   {{"batch", 1.0}, {"thread_count", 1.0}},
                                   "image_classification"}});
  Rng rng(1);
  const double last = static_cast<double>(case_count * block_count - 1);
  for (int64_t n = 0; n < case_count * block_count; ++n) {
    const int64_t number = n % case_count;
    const double factor = (1.0 + slowdown * static_cast<double>(n) / last) *
                          (1.0 + 0.01 * rng.normal()) * static_cast<double>(number + 1);
    records[static_cast<size_t>(number)].launches.push_back(
        {.index = n / case_count,
         .samples = {{"inference", std::vector<int64_t>(8, static_cast<int64_t>(1e6 * factor))}},
         .facts = Json::object({{"started_at_ms", 1000 + n}})});
  }
  return records;
}

}  // namespace

TEST_CASE("a machine that slows down while a run goes on is told, by device") {
  std::vector<Record> records = run_of(0.2, 8);
  for (Record& record : run_of(0.0, 8, "cpu")) records.push_back(record);
  const auto drifts = find_drifts(records);
  REQUIRE(drifts.size() == 2);
  CHECK(drifts[0].device == "cpu");
  CHECK(drift_text(to_json(drifts[0])).empty());
  CHECK(drifts[1].device == "gpu");
  CHECK(drifts[1].slowdown.change == doctest::Approx(0.2).epsilon(0.15));
  CHECK(drifts[1].launch_count == 32);
  CHECK(drifts[1].case_count == 4);
  const std::string text = drift_text(to_json(drifts[1]));
  CHECK(text.find("gpu took ") == 0);
  CHECK(text.find("% longer at the end of the run") != std::string::npos);
  CHECK(text.find("by 32 launches of 4 cases") != std::string::npos);
}

TEST_CASE("what has no start, or too few launches, tells no drift") {
  CHECK(find_drifts(run_of(0.5, 4)).empty());
  std::vector<Record> older = run_of(0.5, 8);
  for (Record& record : older)
    for (Launch& launch : record.launches) launch.facts = Json::object({});
  CHECK(find_drifts(older).empty());
  CHECK(drift_text(Json()).empty());
}

TEST_CASE("a change that its interval doubts, or that nobody would notice, isn't told") {
  const auto text = [](double change, double low, double high) {
    return drift_text(to_json({"cpu", {change, {low, high}}, 20, 4}));
  };
  CHECK(text(0.10, -0.01, 0.22).empty());
  CHECK(text(0.01, 0.005, 0.015).empty());
  CHECK_FALSE(text(0.10, 0.04, 0.16).empty());
  CHECK(text(-0.10, -0.16, -0.04).find("10 % less time") != std::string::npos);
}
