#include <doctest/doctest.h>

#include <algorithm>

#include "results/metrics/metrics.h"
#include "results/report/report.h"

using namespace qb;
using namespace qb::report;

namespace {

// A record of the kind with all that a metric may read: every phase as samples of the launches
// that are timed and every fact of each launch.
Record record_with_all(const Case& subject) {
  Record record = {.subject = subject, .manifest = Json::object({{"idle_power_w", 1.0}})};
  for (int64_t index = 0; index < 3; ++index) record.launches.push_back({.index = index});
  record.launches.push_back({.index = 0, .kind = "quality"});
  for (Launch& launch : record.launches) {
    for (const metrics::Metric& metric : metrics::metrics()) {
      const std::string phase(metric.phase);
      if (!metric.fact.empty()) launch.facts.set(metric.fact, 0.5);
      if (!phase.empty() && launch.kind == "speed" &&
          std::ranges::find(launch.samples, phase, &SampleSeries::phase) == launch.samples.end())
        launch.samples.push_back({phase, std::vector<int64_t>(400, 1'000'000)});
    }
    for (const char* fact : {"measure_time_ns", "rss_bytes_peak_run", "measured_tokens",
                             "measured_generated_tokens", "measured_pictures", "measured_runs"})
      launch.facts.set(fact, 1e9);
  }
  return record;
}

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

}  // namespace

TEST_CASE("every metric's explanation lists the launches that made it, and no others") {
  const Case kinds[] = {
      {"lm", "w4g32", "mlx", "cpu", {{"prompt_tokens", 8}, {"generated_tokens", 4}}, "causal_lm"},
      {"lm",
       "w4g32",
       "mlx",
       "cpu",
       {{"prompt_tokens", 8}, {"generated_tokens", 4}, {"arrivals_per_s", 2.0}},
       "causal_lm"},
      {"vision", "w4g32", "mlx", "cpu", {}, "image_classification"},
      {"net.onnx", "as-is", "mlx", "cpu", {}, "own_file"}};
  size_t explained = 0;
  for (const Case& kind : kinds) {
    const Record record = record_with_all(kind);
    for (const Measurement& m : metrics::measure(record)) {
      CAPTURE(case_id(kind));
      CAPTURE(m.name);
      CAPTURE(m.reason);
      const auto text = render_explanation(record, m.name);
      REQUIRE(text);
      if (!m.value) continue;
      ++explained;
      const bool is_quality = metrics::find_metric(m.name)->kind == "quality";
      CHECK(count(*text, "\n  launch ") == (is_quality ? 1 : 3));
    }
  }
  CHECK(explained > metrics::metrics().size());  // most metrics, of several kinds
}

TEST_CASE("a percentile is explained by the launches that were timed") {
  const Record record = record_with_all(
      {"lm", "fp32", "mlx", "cpu", {{"prompt_tokens", 8}, {"generated_tokens", 4}}, "causal_lm"});
  const auto text = render_explanation(record, "decode_ns_p99");
  REQUIRE(text);
  CHECK(text->find("launch 2: ok") != std::string::npos);
  CHECK(count(*text, "decode: 400 samples") == 3);
}
