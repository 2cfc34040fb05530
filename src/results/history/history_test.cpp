#include "results/history/history.h"

#include <doctest/doctest.h>

#include "base/rng.h"
#include "results/history/tell.h"
#include "results/report/report.h"

using namespace qb;
using namespace qb::history;

namespace {

const Json here = Json::object({{"cpu", "One"}, {"memory_bytes", 8}});
const Json elsewhere = Json::object({{"cpu", "Other"}, {"memory_bytes", 8}});

const Case subject = {.model = "alpha",
                      .scheme = "w8c",
                      .framework = "onnxruntime",
                      .device = "cpu",
                      .task = "image_classification"};

struct Made {
  std::vector<Run> runs;  // the newest first
  std::vector<store::Figure> figures;
};

// A night each, slower by `slowdown` from `first` on.
Made make_nights(size_t count, size_t first, double slowdown, const std::string& metric) {
  Made made;
  Rng rng(1);
  for (size_t i = 0; i < count; ++i) {
    const std::string id = fmt::format("run-{:03}", i);
    made.runs.insert(made.runs.begin(), Run{.id = id,
                                            .started_at = fmt::format("2026-11-{:02}", 1 + i),
                                            .suite_name = "quick",
                                            .host = here});
    const double factor = i < first ? 1.0 : 1.0 - slowdown;
    made.figures.push_back({id, subject, metric, factor * (100.0 + rng.normal())});
  }
  return made;
}

History changes_of(const Made& made, std::span<const Acknowledged> acknowledged = {}) {
  History history = collect(made.runs, made.figures);
  find_changes(history, stats::step_bounds_of_a_night, acknowledged);
  return history;
}

}  // namespace

TEST_CASE("a slower speed is a change for the worse, from the run on that has it") {
  const History history = changes_of(make_nights(60, 40, 0.08, "pictures_per_s"));
  REQUIRE(history.series.size() == 1);
  REQUIRE(history.series[0].changes.size() == 1);
  const Change& change = history.series[0].changes[0];
  CHECK(history.runs[history.series[0].runs[change.step.first]].id == "run-040");
  CHECK(worsening(history.series[0], change) == 1);
  CHECK(change.step.after / change.step.before == doctest::Approx(0.92).epsilon(0.01));
  const auto turns = turns_of(history, false);
  REQUIRE(turns.size() == 1);
  CHECK(history.runs[turns[0].before].id == "run-039");
  const std::string text = report::text_of(blocks_of(history, turns), {.column_count = 200});
  CHECK(text.find("1 step; of 1 figures") != std::string::npos);
  CHECK(text.find("worse") != std::string::npos);
}

TEST_CASE("the same figure falling where less is better is for the better") {
  const History history = changes_of(make_nights(60, 40, 0.08, "rss_bytes_peak"));
  REQUIRE(history.series[0].changes.size() == 1);
  CHECK(worsening(history.series[0], history.series[0].changes[0]) == -1);
}

TEST_CASE("nights without a change are quiet, and few nights say that they are few") {
  CHECK(changes_of(make_nights(60, 60, 0.0, "pictures_per_s")).series[0].changes.empty());
  const History few = changes_of(make_nights(11, 6, 0.5, "pictures_per_s"));
  CHECK(few.series[0].changes.empty());
  const std::string text =
      report::text_of(blocks_of(few, turns_of(few, false)), {.column_count = 300});
  CHECK(text.find("looked for from 12 on") != std::string::npos);
}

TEST_CASE("an acknowledged change stays quiet, though it wanders by a night") {
  const Made made = make_nights(60, 40, 0.08, "pictures_per_s");
  const Acknowledged known = {case_id(subject), "pictures_per_s", "run-041", "a new driver"};
  const auto read = acknowledged_from(to_json(std::vector{known}));
  REQUIRE(read);
  const History history = changes_of(made, *read);
  REQUIRE(history.series[0].changes.size() == 1);
  CHECK(history.series[0].changes[0].is_acknowledged);
  CHECK(history.series[0].changes[0].note == "a new driver");
  CHECK(turns_of(history, false).empty());
  CHECK(turns_of(history, true).size() == 1);
  for (const Acknowledged& other : {Acknowledged{known.case_name, "rss_bytes_peak", "run-040", ""},
                                    Acknowledged{known.case_name, known.metric, "run-003", ""},
                                    Acknowledged{"another", known.metric, "run-040", ""}})
    CHECK_FALSE(changes_of(made, std::vector{other}).series[0].changes[0].is_acknowledged);
}

TEST_CASE("runs of other machines and damaged ones are left out") {
  Made made = make_nights(20, 20, 0.0, "pictures_per_s");
  made.runs[3].host = elsewhere;
  made.runs[5].damage = "torn";
  const History history = collect(made.runs, made.figures);
  CHECK(history.runs.size() == 18);
  CHECK(history.other_run_count == 1);
  CHECK(history.series[0].values.size() == 18);
  CHECK(history.runs.front().id == "run-000");
}

TEST_CASE("no runs, and what is no list") {
  CHECK(collect({}, {}).series.empty());
  CHECK_FALSE(acknowledged_from(Json::object({})));
  CHECK(acknowledged_from(Json())->empty());
}
