#include <doctest/doctest.h>

#include "results/metrics/metrics.h"

using namespace qb;
using namespace qb::metrics;

namespace {

Measurement read(const Record& record, std::string_view name) {
  for (const Measurement& m : measure(record))
    if (m.name == name) return m;
  return {.reason = "does not apply"};
}

// Three launches of 3, 4 and 8 J, 2 J of memory each.
Record record_of(const Case& subject, std::initializer_list<Json::Member> counts) {
  Record record = {.subject = subject};
  for (const int64_t joules : {3, 4, 8}) {
    Launch launch = {.index = static_cast<int64_t>(record.launches.size()),
                     .facts = Json::object(counts)};
    launch.facts.set("energy_uj", joules * 1'000'000).set("energy_dram_uj", 2'000'000);
    record.launches.push_back(std::move(launch));
  }
  return record;
}

const Case language = {.scheme = "fp32",
                       .workload = {{"prompt_tokens", 8}, {"generated_tokens", 2}},
                       .task = "causal_lm"};

}  // namespace

TEST_CASE("energy is told for each token, picture or run, memory's apart") {
  const Record generation =
      record_of(language, {{"measured_tokens", 100}, {"measured_generated_tokens", 20}});
  const Measurement m = read(generation, "joules_per_token");
  REQUIRE(m.launch_values.size() == 3);
  CHECK(m.launch_values[0] == doctest::Approx(0.03));
  CHECK(m.launch_values[2] == doctest::Approx(0.08));
  CHECK(*m.value >= 0.03);
  CHECK(*m.value <= 0.08);
  CHECK(read(generation, "joules_per_generated_token").launch_values[1] == doctest::Approx(0.2));
  CHECK(*read(generation, "dram_joules_per_token").value == doctest::Approx(0.02));
  CHECK(read(generation, "joules_per_picture").reason == "does not apply");
  CHECK(read(generation, "joules_per_run").reason == "does not apply");
  const Record pictures =
      record_of({.scheme = "fp32", .task = "image_classification"}, {{"measured_pictures", 50}});
  CHECK(*read(pictures, "dram_joules_per_picture").value == doctest::Approx(0.04));
  CHECK(read(pictures, "joules_per_token").reason == "does not apply");
  const Record file = record_of({.scheme = "as-is", .task = "own_file"}, {{"measured_runs", 4}});
  CHECK(*read(file, "dram_joules_per_run").value == doctest::Approx(0.5));
  CHECK(read(file, "joules_per_picture").reason == "does not apply");
}

TEST_CASE("energy that isn't told is absent with the machine's reason, or the count's") {
  Record record = record_of(language, {});
  CHECK(read(record, "joules_per_token").reason == "no launch has measured_tokens");
  for (Launch& launch : record.launches)
    launch.facts = Json::object({{"measured_tokens", 5},
                                 {"energy_reason", "root only"},
                                 {"energy_dram_reason", "none of memory"}});
  CHECK_FALSE(read(record, "joules_per_token").value);
  CHECK(read(record, "joules_per_token").reason == "root only");
  CHECK(read(record, "dram_joules_per_token").reason == "none of memory");
  // Nothing was done with it: no number, rather than one that is divided by nothing.
  for (Launch& launch : record.launches)
    launch.facts.set("energy_uj", 1'000'000).set("measured_tokens", 0);
  CHECK_FALSE(read(record, "joules_per_token").value);
  record.launches.clear();
  record.outcome = Outcome::crashed;
  record.reason = "signal 11";
  CHECK(read(record, "joules_per_token").reason == "signal 11");
}
