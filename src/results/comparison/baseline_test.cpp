#include "results/comparison/baseline.h"

#include <doctest/doctest.h>

#include "results/analysis/cases.h"
#include "results/comparison/compare.h"

using namespace qb;
using namespace qb::comparison;

namespace {

report::Document document_of(double speed) {
  Record record = {
      .subject = {.model = "m",
                  .scheme = "w8c",
                  .framework = "mlx",
                  .device = "gpu",
                  .workload = {{"batch", 1}, {"thread_count", 2}},
                  .task = "image_classification"},
      .launches = {{.kind = "quality", .facts = Json::object({{"picture_count", 156}})}},
      .manifest = Json::object({{"framework_version", "1.0"}, {"secret", "s"}})};
  Measurement m = {.name = "pictures_per_s", .value = speed, .low = speed - 1, .high = speed + 1};
  for (int i = 0; i < 5; ++i) {
    m.launch_values.push_back(speed * (1.0 + 0.001 * i));
    m.launch_indices.push_back(i);
  }
  record.measurements = {
      m, {.name = "top1_agreement", .value = 0.9}, {.name = "perplexity", .reason = "none"}};
  return {.run = {.id = "r", .started_at = "t", .suite_name = "s\n\"", .host = Json::object({})},
          .records = {record}};
}

}  // namespace

TEST_CASE("a baseline that is read again compares as the run it was made of does") {
  const report::Document before = document_of(100.1);
  const auto read = parse_baseline(baseline_text(before));
  REQUIRE(read);
  CHECK(read->run.suite_name == before.run.suite_name);
  REQUIRE(read->records.size() == 1);
  const Record& record = read->records[0];
  CHECK(record.subject == before.records[0].subject);
  CHECK(record.measurements.size() == 2);  // those with a figure
  CHECK(record.measurements[0].launch_values == before.records[0].measurements[0].launch_values);
  CHECK(record.measurements[0].launch_indices == before.records[0].measurements[0].launch_indices);
  CHECK(record.measurements[0].high == before.records[0].measurements[0].high);
  CHECK(analysis::judged_item_count(record) == 156);
  CHECK(record.manifest["framework_version"].as_string() == "1.0");
  CHECK_FALSE(record.manifest.contains("secret"));
  const report::Document after = document_of(120.0);
  const auto of_run = compare(pair_runs(before, after), {"pictures_per_s"}, {});
  const auto of_file = compare(pair_runs(*read, after), {"pictures_per_s"}, {});
  REQUIRE(of_run.size() == 1);
  REQUIRE(of_file.size() == 1);
  CHECK(of_run[0].change == of_file[0].change);
  CHECK(of_run[0].interval->low == of_file[0].interval->low);
}

TEST_CASE("what isn't whole is no baseline") {
  const std::string text = baseline_text(document_of(100.0));
  for (const char* part : {"\"id\"", "\"scheme\"", "\"workload\"", "\"outcome\"", "\"value\""}) {
    std::string broken = text;
    broken.replace(broken.find(part), std::string_view(part).size(), "\"gone\"");
    CAPTURE(part);
    CHECK_FALSE(parse_baseline(broken));
  }
  CHECK_FALSE(parse_baseline(text.substr(0, text.size() / 2)));
}
