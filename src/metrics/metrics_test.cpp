#include "metrics/metrics.h"

#include <doctest/doctest.h>

#include "metrics/launches.h"

using namespace qb;
using namespace qb::metrics;

namespace {

Record language_record() {
  Record record;
  record.subject.workload = {.batch = 2, .prompt_tokens = 100, .generated_tokens = 3};
  for (int64_t i = 0; i < 3; ++i)
    record.launches.push_back({.index = i,
                               .samples = {{"load", {1000 * (i + 1)}},
                                           {"prefill", {50'000'000, 50'000'000}},
                                           {"decode", {9'000'000, 11'000'000}}},
                               .facts = Json::object({{"rss_bytes_peak_compile", 300},
                                                      {"rss_bytes_peak_run", 200},
                                                      {"bundle_bytes", 42}})});
  record.launches.push_back({.kind = "quality",
                             .facts = Json::object({{"perplexity", 25.0},
                                                    {"top1_agreement", 0.9},
                                                    {"top1_agreement_standard_error", 0.01}})});
  return record;
}

Measurement read(const Record& record, std::string_view name) {
  for (const Measurement& m : measure(record))
    if (m.name == name) return m;
  return {.reason = "does not apply"};
}

}  // namespace

TEST_CASE("every metric knows how it is measured") {
  for (const Metric& metric : metrics::metrics()) {
    CAPTURE(metric.name);
    CHECK((metric.measure != nullptr));
  }
}

TEST_CASE("metrics are read from samples and facts") {
  const Record record = language_record();
  CHECK(read(record, "load_ns").value == 2000.0);  // median of the launches
  CHECK(*read(record, "prefill_tokens_per_s").value == doctest::Approx(4000));
  CHECK(*read(record, "decode_tokens_per_s").value == doctest::Approx(200));
  CHECK(read(record, "rss_bytes_peak").value == 300.0);
  CHECK(read(record, "bundle_bytes").value == 42.0);
  CHECK(read(record, "perplexity").value == 25.0);
  CHECK(*read(record, "top1_agreement").low == doctest::Approx(0.9 - 0.0196));
}

TEST_CASE("what isn't there is absent with its reason, never 0") {
  Record record = language_record();
  CHECK_FALSE(read(record, "decode_ns_p99").value);
  CHECK(read(record, "decode_ns_p99").reason == "needs 662 samples, there are 6");
  CHECK_FALSE(read(record, "kl_divergence").value);
  CHECK(read(record, "inference_ns_p50").reason == "does not apply");
  CHECK_FALSE(read(record, "load_ns").low);  // three launches give no interval
  record.launches.clear();
  record.outcome = Outcome::crashed;
  record.reason = "signal 11";
  for (const Measurement& m : measure(record)) {
    CAPTURE(m.name);
    CHECK_FALSE(m.value);
    CHECK_FALSE(m.reason.empty());
  }
  record.manifest.set("weights", "synthetic");
  CHECK(read(record, "perplexity").reason.find("synthetic") != std::string::npos);
}

TEST_CASE("launches that failed don't count") {
  Record record = language_record();
  record.launches[2].outcome = Outcome::crashed;
  CHECK(read(record, "load_ns").value == 1500.0);
}

TEST_CASE("a ratio is of the medians, its interval of the paired launches") {
  const auto record_of = [](double factor) {
    Record record = {.subject = {.workload = {.batch = 1}}};
    // Launches differ by far more than the ratio does; pairs share that.
    for (int64_t i = 0; i < 8; ++i)
      record.launches.push_back(
          {.index = i,
           .samples = {{"inference",
                        {static_cast<int64_t>(factor * 1e6 * (1.0 + 0.2 * static_cast<double>(i)) *
                                              (1.0 + 0.001 * static_cast<double>(i % 3)))}}}});
    record.measurements = measure(record);
    return record;
  };
  const auto ratio = speed_ratio(record_of(0.5), record_of(1.0));
  REQUIRE(ratio);
  CHECK(ratio->value == doctest::Approx(2.0).epsilon(0.01));
  REQUIRE(ratio->interval);
  CHECK(ratio->interval->low > 1.99);
  CHECK(ratio->interval->high < 2.01);
  CHECK_FALSE(speed_ratio(Record{}, record_of(1.0)));
}

TEST_CASE("latency from intended starts is a figure while the queue doesn't grow, and only then") {
  Record record = language_record();
  CHECK(read(record, "arrival_latency_ns_p50").reason == "does not apply");
  record.subject.workload.arrivals_per_s = 10.0;
  for (Launch& launch : record.launches)
    if (launch.kind == "speed") {
      launch.samples.push_back({"arrival_latency", std::vector<int64_t>(30, 7'000'000)});
      launch.facts.set("served_per_s", 9.9).set("kept_pace", true);
    }
  CHECK(read(record, "arrival_latency_ns_p50").value == 7e6);
  CHECK(read(record, "arrival_latency_ns_p90").value == 7e6);
  CHECK(read(record, "arrival_latency_ns_p99").reason == "needs 662 samples, there are 90");
  CHECK(read(record, "arrivals_served_per_s").value == 9.9);
  record.launches[1].facts.set("kept_pace", false);
  CHECK_FALSE(read(record, "arrival_latency_ns_p50").value);
  CHECK(read(record, "arrival_latency_ns_p90").reason.find("faster than they were served") !=
        std::string::npos);
  CHECK(read(record, "arrivals_served_per_s").value == 9.9);
}

TEST_CASE("power above idle, and what the probes took of the time") {
  Record record = language_record();
  CHECK(read(record, "package_power_w_above_idle").reason ==
        read(record, "package_power_w").reason);
  for (Launch& launch : record.launches)
    launch.facts.set("energy_uj", 30'000'000)
        .set("measure_time_ns", 2'000'000'000)
        .set("probe_time_ns", 2'000'000);
  CHECK(*read(record, "package_power_w").value == doctest::Approx(15.0));
  CHECK(read(record, "package_power_w_above_idle").reason.find("idle") != std::string::npos);
  record.manifest.set("idle_power_w", 4.0);
  CHECK(*read(record, "package_power_w_above_idle").value == doctest::Approx(11.0));
  CHECK(*read(record, "probe_share").value == doctest::Approx(0.001));
}

TEST_CASE("quality that was measured again after a crash counts") {
  Record record = language_record();
  Launch crashed = {.kind = "quality", .outcome = Outcome::crashed, .reason = "signal 9"};
  record.launches.insert(record.launches.begin(), crashed);
  CHECK(read(record, "perplexity").value == 25.0);
}

TEST_CASE("a whole generation is its first token and the steps after it") {
  Record record = {.subject = {.workload = {.prompt_tokens = 4, .generated_tokens = 3}}};
  record.launches = {
      {.samples = {{"time_to_first_token", {10, 20, 30}}, {"decode", {1, 1, 2, 2, 3, 3}}}}};
  CHECK(read(record, "generation_ns_p50").value == 24.0);
}
