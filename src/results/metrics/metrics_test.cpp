#include "results/metrics/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <tuple>

#include "results/metrics/launches.h"

using namespace qb;
using namespace qb::metrics;

namespace {

Record language_record() {
  Record record;
  record.subject.task = "causal_lm";
  record.subject.workload = {{"batch", 2}, {"prompt_tokens", 100}, {"generated_tokens", 3}};
  for (int64_t i = 0; i < 3; ++i)
    record.launches.push_back({.index = i,
                               .samples = {{"load", {1000 * (i + 1)}},
                                           {"prefill", {50'000'000, 50'000'000}},
                                           {"decode", {9'000'000, 11'000'000}}},
                               .facts = Json::object({{"rss_bytes_peak_compile", 300},
                                                      {"rss_bytes_peak_run", 200},
                                                      {"bundle_bytes", 42}})});
  record.launches.push_back(
      {.kind = "quality",
       .facts =
           Json::object({{"perplexity", 25.0}, {"token_count", 1022}, {"top1_agreement", 0.9}})});
  return record;
}

Measurement read(const Record& record, std::string_view name) {
  for (const Measurement& m : measure(record))
    if (m.name == name) return m;
  return {.reason = "does not apply"};
}

}  // namespace

TEST_CASE("every metric has a name of its own and says what it is and what it is read from") {
  std::set<std::string_view> names;
  for (const Metric& metric : metrics::metrics()) {
    CAPTURE(metric.name);
    CHECK(names.insert(metric.name).second);
    CHECK_FALSE(metric.label.empty());
    CHECK_FALSE(metric.summary.empty());
    CHECK(metric.phase.empty() != metric.fact.empty());  // one of the two
    CHECK((metric.per.empty() || !metric.fact.empty()));
    CHECK(bool(metric.measure));
  }
}

TEST_CASE("every metric is read from launches of its own kind, and only from these") {
  const Record whole = language_record();
  for (const Metric& metric : metrics::metrics()) {
    CAPTURE(metric.name);
    REQUIRE((metric.kind == "speed" || metric.kind == "quality"));
    Record others = whole;
    std::erase_if(others.launches, [&](const Launch& l) { return l.kind == metric.kind; });
    CHECK_FALSE(metric.measure(others, metric).value);
  }
  for (const Measurement& m : measure(whole)) {
    CAPTURE(m.name);
    CHECK(m.value.has_value() == m.reason.empty());
    CHECK(m.value.has_value() == !m.basis.empty());
    CHECK(m.launch_values.size() == m.launch_indices.size());
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
}

TEST_CASE("what isn't there is absent with its reason, never 0") {
  Record record = language_record();
  CHECK_FALSE(read(record, "decode_ns_p99").value);
  CHECK(read(record, "decode_ns_p99").reason == "needs 662 samples, there are 6");
  CHECK_FALSE(read(record, "kl_divergence").value);
  CHECK(read(record, "inference_ns_p50").reason == "does not apply");
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

TEST_CASE("three launches give the median an interval around it, two none") {
  Record record = language_record();
  const Measurement three = read(record, "load_ns");  // 1, 2 and 3 µs
  REQUIRE(three.low);
  CHECK(*three.low < 1000.0);
  CHECK(*three.high > 3000.0);
  CHECK(three.basis.find("Student") != std::string::npos);
  CHECK_FALSE(read(record, "bundle_bytes").low);  // all alike
  record.launches[2].outcome = Outcome::crashed;
  CHECK(read(record, "load_ns").value == 1500.0);
  CHECK_FALSE(read(record, "load_ns").low);
  CHECK(read(record, "load_ns").basis.find("needs three") != std::string::npos);
}

TEST_CASE("a percentile is of all samples, and shows each launch's own") {
  Record record = {.subject = {.workload = {{"batch", 1}}, .task = "image_classification"}};
  for (int64_t i = 0; i < 3; ++i)
    record.launches.push_back(
        {.index = i, .samples = {{"inference", std::vector<int64_t>(30, 1000 * (i + 1))}}});
  const Measurement p90 = read(record, "inference_ns_p90");
  CHECK(p90.value == 3000.0);
  CHECK(p90.launch_values == std::vector<double>{1000.0, 2000.0, 3000.0});
  CHECK(p90.launch_indices == std::vector<int64_t>{0, 1, 2});
  CHECK_FALSE(p90.low);
  CHECK(p90.basis.find("all 90 samples of 3 launches") != std::string::npos);
}

namespace {

// Pictures a second of launches with these indices; block b's machine takes 1 + b / 5 times as
// long.
Record record_of(double factor, const std::vector<int64_t>& indices) {
  Record record = {.subject = {.workload = {{"batch", 1}}, .task = "image_classification"}};
  for (const int64_t index : indices) {
    const auto block = static_cast<double>(index % repeat_offset);
    const double jitter = 1.0 + 0.001 * static_cast<double>((7 * index) % 3);
    record.launches.push_back(
        {.index = index,
         .samples = {
             {"inference", {static_cast<int64_t>(factor * 1e6 * (1.0 + 0.2 * block) * jitter)}}}});
  }
  record.measurements = measure(record);
  return record;
}

}  // namespace

TEST_CASE("a ratio is the geometric mean of the pairs' and lies in their interval") {
  const auto ratio = speed_ratio(record_of(0.5, {0, 1, 2}), record_of(1.0, {2, 0, 1}));
  REQUIRE(ratio);
  CHECK(ratio->pair_count == 3);
  CHECK(ratio->value == doctest::Approx(2.0).epsilon(0.001));
  // Launches differ by far more than the ratio does; a block shares that.
  Record odd = record_of(0.5, {0, 1, 2, 3});
  odd.launches[1].samples[0].duration_ns[0] += 1000;
  const auto close = speed_ratio(odd, record_of(1.0, {0, 1, 2, 3}));
  REQUIRE(close->interval);
  CHECK(close->interval->low > 1.99);
  CHECK(close->interval->high < 2.01);
  CHECK(close->interval->low < close->value);
  CHECK(close->interval->high > close->value);
  CHECK_FALSE(speed_ratio(Record{}, record_of(1.0, {0})));
}

TEST_CASE("pairs are of the same block: a repeat stands for its launch, whenever it was made") {
  // Launch 1 was repeated after all others, as when a run is resumed; base lacks block 0.
  Record late = record_of(0.5, {0, 1, 2, 3, 1 + repeat_offset});
  late.launches[1].samples[0].duration_ns[0] *= 50;  // what disturbed it
  late.launches[2].samples[0].duration_ns[0] += 1000;
  late.measurements = measure(late);
  const auto ratio = speed_ratio(late, record_of(1.0, {1, 2, 3}));
  REQUIRE(ratio);
  CHECK(ratio->pair_count == 3);
  CHECK(ratio->value == doctest::Approx(2.0).epsilon(0.01));
  REQUIRE(ratio->interval);
  CHECK(ratio->interval->low > 1.95);
  CHECK(ratio->interval->high < 2.05);
  const auto two = speed_ratio(late, record_of(1.0, {2, 3}));
  CHECK(two->pair_count == 2);
  CHECK_FALSE(two->interval);
  CHECK(speed_ratio(late, record_of(1.0, {8, 9}))->pair_count == 0);
}

TEST_CASE("a share of a text is worth fewer answers than there are, one of pictures all") {
  Record text = language_record();
  Json& facts = text.launches.back().facts;
  CHECK_FALSE(read(text, "top1_agreement").low);  // of an earlier version: no chunks
  CHECK(read(text, "top1_agreement").basis.find("no means of chunks") != std::string::npos);
  std::vector<double> chunks(16, 0.9);
  facts.set("top1_agreement_chunks", Json::array_of(chunks));
  const Measurement even = read(text, "top1_agreement");
  REQUIRE(even.low);
  CHECK(*even.low < 0.9);
  CHECK(*even.high > 0.9);
  for (size_t i = 0; i < 16; ++i) chunks[i] = i % 2 ? 1.0 : 0.8;
  facts.set("top1_agreement_chunks", Json::array_of(chunks));
  const Measurement uneven = read(text, "top1_agreement");
  CHECK(*uneven.high - *uneven.low > 1.5 * (*even.high - *even.low));
  facts.set("token_count", 127);
  CHECK_FALSE(read(text, "top1_agreement").low);
  Record pictures = {
      .subject = {.task = "image_classification"},
      .launches = {{.kind = "quality",
                    .facts = Json::object(
                        {{"picture_count", 156}, {"top1_accuracy", 1.0}, {"tied_row_count", 2}})}}};
  const Measurement all = read(pictures, "top1_accuracy");
  CHECK(*all.low == doctest::Approx(0.9759667));
  CHECK(*all.high == 1.0);
  CHECK(all.basis.find("2 of which have no single likeliest answer") != std::string::npos);
  CHECK(scope_of(*find_metric("top1_accuracy"), pictures) == "of pictures like these");
  CHECK(scope_of(*find_metric("perplexity"), text) == "of this text");
  CHECK(scope_of(*find_metric("load_ns"), text) == "in this session");
}

TEST_CASE("figures of a text have intervals from their chunks where the text is long enough") {
  Record record = language_record();
  Json& facts = record.launches.back().facts;
  const auto set = [&](const char* name, double value, double step) {
    std::vector<double> chunks;
    for (int i = 0; i < 16; ++i) chunks.push_back(value + step * (i / 2 % 2 ? 1.0 : -1.0));
    facts.set(name, value).set(fmt::format("{}_chunks", name), Json::array_of(chunks));
  };
  CHECK_FALSE(read(record, "perplexity").low);
  CHECK(read(record, "perplexity_ratio").reason.find("nll_difference") != std::string::npos);
  set("nll", std::log(25.0), 0.2);
  set("nll_difference", 0.1, 0.02);
  set("kl_divergence", 0.4, 0.1);
  // Eight chunks of two: t(7) s / sqrt(8), s^2 = 8 / 7 step^2.
  const double reach = 2.3646242515927849 / std::sqrt(7.0);
  const Measurement perplexity = read(record, "perplexity");
  CHECK(*perplexity.low == doctest::Approx(25.0 * std::exp(-0.2 * reach)).epsilon(1e-3));
  CHECK(*perplexity.high == doctest::Approx(25.0 * std::exp(0.2 * reach)).epsilon(1e-3));
  const Measurement ratio = read(record, "perplexity_ratio");
  CHECK(*ratio.value == doctest::Approx(std::exp(0.1)));
  CHECK(*ratio.high == doctest::Approx(std::exp(0.1 + 0.02 * reach)).epsilon(1e-3));
  const Measurement kl = read(record, "kl_divergence");
  const double long_reach = 2.997951566868529 / std::sqrt(7.0);  // t(7) for 0.98
  CHECK(*kl.low == doctest::Approx(0.4 * std::exp(-0.1 / 0.4 * long_reach)).epsilon(1e-3));
  for (const auto& [count, perplexity_has, ratio_has, kl_has] :
       {std::tuple{512, true, true, true}, {511, false, true, false}, {255, false, false, false}}) {
    CAPTURE(count);
    facts.set("token_count", count);
    CHECK(read(record, "perplexity").low.has_value() == perplexity_has);
    CHECK(read(record, "perplexity_ratio").low.has_value() == ratio_has);
    CHECK(read(record, "kl_divergence").low.has_value() == kl_has);
    CHECK(read(record, "perplexity").value == 25.0);
  }
}

TEST_CASE("latency from intended starts is a figure while the queue doesn't grow, and only then") {
  Record record = language_record();
  CHECK(read(record, "arrival_latency_ns_p50").reason == "does not apply");
  record.subject.workload.set("arrivals_per_s", 10.0);
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
  Record record = {.subject = {.workload = {{"prompt_tokens", 4}, {"generated_tokens", 3}},
                               .task = "causal_lm"}};
  record.launches = {
      {.samples = {{"time_to_first_token", {10, 20, 30}}, {"decode", {1, 1, 2, 2, 3, 3}}}}};
  CHECK(read(record, "generation_ns_p50").value == 24.0);
}

TEST_CASE("every metric that a task or an axis names exists") {
  const auto exists = [](std::string_view name) {
    CAPTURE(std::string(name));
    CHECK((find_metric(name) != nullptr));
  };
  for (const task::Task& task : task::tasks()) {
    for (const std::string_view name : task.metrics) exists(name);
    exists(task.speed_metric);
    exists(task.quality_metric);
  }
  for (const task::Axis* axis : task::axes())
    for (const std::string_view name : axis->metrics) exists(name);
  for (const Metric& metric : metrics::metrics())
    CHECK((metric.axis.empty() || task::find_axis(metric.axis) != nullptr));
}
