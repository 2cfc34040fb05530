#include "results/gate/rules.h"

#include <doctest/doctest.h>

#include "results/gate/judge.h"

using namespace qb;
using namespace qb::gate;

TEST_CASE("tolerances are shares of the figure before, or numbers in the metric's unit") {
  const auto rules = parse_rules(
      "false_alarms = 0.05\nrun_noise = \"1 %\"\nbuild_noise = \"0%\"\n"
      "[tolerance]\nspeed = \"3 %\"\nrss_bytes_peak = 1_000_000\ntop1_agreement = 0.005\n",
      "gate.toml");
  REQUIRE(rules);
  CHECK(rules->false_alarms == 0.05);
  CHECK(rules->shifts.run == 0.01);
  CHECK(rules->shifts.build == 0.0);
  REQUIRE(rules->tolerances.size() == 3);
  for (const Tolerance& t : rules->tolerances) {
    CHECK(t.is_relative == (t.metric == "speed"));
    CHECK(t.text() == (t.metric == "speed"            ? "3 %"
                       : t.metric == "rss_bytes_peak" ? "1e+06"
                                                      : "0.005"));
  }
}

TEST_CASE("what a file doesn't say stays as it is by default") {
  const auto rules = parse_rules("run_noise = \"1 %\"", "gate.toml");
  REQUIRE(rules);
  CHECK(rules->tolerances.size() == default_rules().tolerances.size());
  CHECK(rules->false_alarms == default_rules().false_alarms);
}

TEST_CASE("every default tolerance is of a metric that has a better side, and each task has some") {
  for (const Tolerance& t : default_rules().tolerances) {
    CAPTURE(t.metric);
    const metrics::Metric* metric = metrics::find_metric(t.metric);
    CHECK((t.metric == speed_name || (metric && metric->better != metrics::Better::neither)));
  }
  for (const task::Task& task : task::tasks()) {
    Record record;
    record.subject.task = task.name;
    size_t quality_count = 0;
    for (const Tolerance& t : default_rules().tolerances)
      if (const metrics::Metric* metric = metric_of(t, record))
        quality_count += metric->kind == "quality" ? 1 : 0;
    CAPTURE(task.name);
    CHECK(quality_count > 0);
  }
}

TEST_CASE("a tolerance in the metric's unit holds for launches' figures too") {
  const auto record_of = [](double scale) {
    Record record = {.subject = {.task = "image_classification"}};
    Measurement m = {.name = "rss_bytes_peak", .value = 100e6 * scale};
    for (int i = 0; i < 6; ++i) {
      m.launch_values.push_back(100e6 * scale * (i % 2 == 0 ? 1.0005 : 0.9995));
      m.launch_indices.push_back(i);
    }
    record.measurements = {m};
    return record;
  };
  const Record before = record_of(1.0);
  for (const auto& [scale, answer] :
       {std::pair{1.01, GateAnswer::no_regression}, std::pair{1.03, GateAnswer::regression}}) {
    const Record after = record_of(scale);
    const comparison::Pairs pairs = {.pairs = {{&before, &after}}};
    const Rules rules = {.tolerances = {{"rss_bytes_peak", 2e6, false}}};
    CHECK(judge(pairs, rules, false).answer() == answer);
  }
}
