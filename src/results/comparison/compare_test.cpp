#include "results/comparison/compare.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace qb;
using namespace qb::comparison;

namespace {

Record record_of(std::string_view metric, const std::vector<double>& launches) {
  Record record = {.subject = {.model = "m", .task = "image_classification"}};
  Measurement m = {.name = std::string(metric), .value = launches[launches.size() / 2]};
  for (size_t i = 0; i < launches.size(); ++i) {
    m.launch_values.push_back(launches[i]);
    m.launch_indices.push_back(static_cast<int64_t>(i));
  }
  record.measurements = {std::move(m)};
  return record;
}

Record judged_of(double value, double low, double high, int64_t count) {
  Record record = {
      .subject = {.model = "m", .task = "image_classification"},
      .launches = {{.kind = "quality", .facts = Json::object({{"picture_count", count}})}}};
  record.measurements = {{.name = "top1_agreement", .value = value, .low = low, .high = high}};
  return record;
}

Comparison compare_two(const Record& before, const Record& after, bool are_interleaved) {
  return compare({&before, &after}, *metrics::find_metric(before.measurements[0].name),
                 are_interleaved, {});
}

const std::vector<double> steady = {100.0, 101.0, 99.0, 100.5, 99.5};

std::vector<double> scaled(const std::vector<double>& values, double factor) {
  std::vector<double> result = values;
  for (double& value : result) value *= factor;
  return result;
}

}  // namespace

TEST_CASE("a change is better or worse by the side on which the metric is better") {
  struct Row {
    std::string_view metric;
    double factor;
    Answer answer;
  };
  for (const Row& row :
       {Row{"pictures_per_s", 1.3, Answer::better}, Row{"pictures_per_s", 0.7, Answer::worse},
        Row{"inference_ns_p50", 1.3, Answer::worse}, Row{"inference_ns_p50", 0.7, Answer::better},
        Row{"rss_bytes_peak", 1.3, Answer::worse}, Row{"pictures_per_s", 1.001, Answer::same}}) {
    CAPTURE(row.metric);
    CAPTURE(row.factor);
    const Comparison c = compare_two(record_of(row.metric, steady),
                                     record_of(row.metric, scaled(steady, row.factor)), true);
    CHECK(c.answer == row.answer);
    REQUIRE(c.change);
    CHECK(*c.change == doctest::Approx(row.factor));
  }
}

TEST_CASE("two runs are known less well than two sides of one") {
  const Record before = record_of("pictures_per_s", steady);
  const Record after = record_of("pictures_per_s", scaled(steady, 1.05));
  const Comparison one = compare_two(before, after, true);
  const Comparison two = compare_two(before, after, false);
  CHECK(one.answer == Answer::better);
  CHECK(two.answer == Answer::undecided);
  CHECK(two.interval->low < 0.97);
  CHECK(two.interval->high > 1.13);
}

TEST_CASE("launches of the same block are paired, whatever else both have") {
  Record before = record_of("pictures_per_s", {100.0, 110.0, 120.0, 130.0});
  Record after = record_of("pictures_per_s", {105.0, 115.5, 126.0, 999.0});
  after.measurements[0].launch_indices = {repeat_offset + 0, 1, 2, 7};  // block 0 was repeated
  const Comparison c = compare_two(before, after, true);
  CHECK(c.figures.is_paired);
  CHECK(c.figures.before_logs.size() == 3);
  CHECK(*c.change == doctest::Approx(1.05));
}

TEST_CASE("few launches have no interval, and nothing is said of them") {
  const Comparison c = compare_two(record_of("pictures_per_s", {100.0, 101.0}),
                                   record_of("pictures_per_s", {50.0, 51.0}), true);
  CHECK(c.answer == Answer::undecided);
  CHECK_FALSE(c.interval);
  CHECK(c.basis.find("it needs 3") != std::string::npos);
}

TEST_CASE("shares differ when their intervals say so, on the same items only") {
  CHECK(compare_two(judged_of(0.99, 0.98, 0.995, 1000), judged_of(0.90, 0.88, 0.917, 1000), false)
            .answer == Answer::worse);
  CHECK(compare_two(judged_of(0.90, 0.88, 0.917, 1000), judged_of(0.91, 0.89, 0.926, 1000), false)
            .answer == Answer::undecided);
  CHECK(compare_two(judged_of(0.90, 0.88, 0.917, 1000), judged_of(0.90, 0.88, 0.917, 1000), false)
            .answer == Answer::same);
  const Comparison other =
      compare_two(judged_of(0.99, 0.98, 0.995, 1000), judged_of(0.90, 0.8, 0.95, 52), false);
  CHECK(other.answer == Answer::undecided);
  CHECK(other.basis.find("1000 pictures before, on 52 now") != std::string::npos);
}

TEST_CASE("the difference of shares is Newcombe's: 48 of 80, then 56 of 70") {
  // statsmodels' confint_proportions_2indep(56, 70, 48, 80, method="newcomb", compare="diff").
  const Comparison c =
      compare_two(judged_of(0.6, 0.4904, 0.7004, 1), judged_of(0.8, 0.6917, 0.8777, 1), false);
  REQUIRE(c.interval);
  CHECK(c.interval->low == doctest::Approx(0.0524).epsilon(0.01));
  CHECK(c.interval->high == doctest::Approx(0.3339).epsilon(0.01));
}
