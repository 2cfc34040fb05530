#include <doctest/doctest.h>

#include "results/analysis/columns.h"
#include "results/analysis/frontier.h"
#include "results/analysis/table.h"

using namespace qb;
using namespace qb::analysis;

TEST_CASE("the frontier holds what nothing beats") {
  const Point points[] = {{1, 5}, {2, 4}, {2, 3}, {3, 1}, {0, 5}, {3, 1}};
  CHECK(find_frontier(points) == std::vector<size_t>{0, 1, 3, 5});
  CHECK(find_frontier({}).empty());
}

TEST_CASE("a sweep shows what it sweeps, in columns and labels") {
  std::vector<Record> records;
  for (const double batch : {1.0, 8.0})
    for (const double arrivals_per_s : {0.0, 12.5})
      records.push_back({.subject = {"m",
                                     "fp32",
                                     "onnxruntime",
                                     "cpu",
                                     {{"batch", batch}, {"arrivals_per_s", arrivals_per_s}},
                                     "image_classification"}});
  records.push_back(records.front());
  records.back().subject.workload.set("thread_count", 4);
  const auto groups = group_by_model(records);
  const Table table = summarize(groups[0].records);
  const auto texts = [&](std::string_view heading) {
    std::vector<std::string> found;
    for (size_t i = 0; i < table.columns.size(); ++i)
      if (table.columns[i].heading == heading)
        for (const auto& row : table.rows) found.push_back(row[i].text);
    return found;
  };
  CHECK(texts("batch") == std::vector<std::string>{"1", "1", "8", "8", "1"});
  CHECK(texts("arrivals") == std::vector<std::string>{"–", "12.5", "–", "12.5", "–"});
  CHECK(texts("threads") == std::vector<std::string>{"1", "1", "1", "1", "4"});
  CHECK(texts("latency p99").size() == 5);
  CHECK(short_label_of(records[3], groups[0].records) == "fp32 batch 8 at 12.5/s 1 thread");
  CHECK(short_label_of(records[4], groups[0].records) == "fp32 4 threads");
}

TEST_CASE("a summary has a row for every case, and ratios to fp32 of the same framework") {
  std::vector<Record> records(3);
  records[0].subject = {
      "m",
      "fp32",
      "onnxruntime",
      "cpu",
      {{"batch", 1}, {"thread_count", 2}, {"prompt_tokens", 8}, {"generated_tokens", 4}},
      "causal_lm"};
  records[0].measurements = {{.name = "decode_tokens_per_s", .value = 50.0}};
  records[1].subject = {
      "m",
      "w4g32",
      "onnxruntime",
      "cpu",
      {{"batch", 1}, {"thread_count", 2}, {"prompt_tokens", 8}, {"generated_tokens", 4}},
      "causal_lm"};
  records[1].measurements = {
      {.name = "decode_tokens_per_s", .value = 100.0, .low = 90.0, .high = 110.0}};
  records[2].subject = {
      "m",
      "w4g32",
      "mlx",
      "cpu",
      {{"batch", 1}, {"thread_count", 2}, {"prompt_tokens", 8}, {"generated_tokens", 4}},
      "causal_lm"};
  records[2].outcome = Outcome::unavailable;
  records[2].reason = "no worker";
  const auto groups = group_by_model(records);
  REQUIRE(groups.size() == 1);
  const Table table = summarize(groups[0].records);
  REQUIRE(table.rows.size() == 3);
  CHECK(table.title == "m, cpu, 2 threads");
  for (Record& record : records) record.subject.workload.set("thread_count", 1);
  CHECK(summarize(groups[0].records).title == "m, cpu, 1 thread");
  const auto cell = [&](size_t row, std::string_view heading) {
    for (size_t i = 0; i < table.columns.size(); ++i)
      if (table.columns[i].heading == heading) return table.rows[row][i];
    return Cell{"no such column", {}, {}};
  };
  CHECK(cell(1, "vs fp32").text == "2.00x");
  CHECK(cell(1, "decode").note == "95 % interval 90.0 tokens/s to 110 tokens/s, in this session");
  CHECK(cell(1, "decode").text == "100 tokens/s ±10 %");
  CHECK(cell(2, "decode").text == "unavailable");  // a narrow table has no other place for it
  CHECK_FALSE(cell(2, "decode").value);
  CHECK(cell(2, "vs fp32").text == "–");
  CHECK(cell(2, "outcome").text == "unavailable");
  CHECK(cell(2, "outcome").note == "no worker");
}

TEST_CASE("every task's table has columns that exist, and its speed among them") {
  for (const task::Task& task : task::tasks()) {
    CAPTURE(std::string(task.name));
    const Record record = {.subject = {.task = std::string(task.name)}};
    bool has_speed = false;
    for (const ColumnRule& rule : column_rules({&record})) {
      CAPTURE(std::string(rule.heading));
      CAPTURE(std::string(rule.name));
      const bool is_of_its_own = rule.axis != nullptr || rule.cell != nullptr;
      CHECK(is_of_its_own == !rule.heading.empty());
      CHECK((is_of_its_own || metrics::find_metric(rule.name) != nullptr));
      has_speed = has_speed || rule.name == task.speed_metric;
    }
    CHECK(has_speed);
  }
}

TEST_CASE("an interval's farther side stands behind the figure") {
  CHECK(spread_text(100.0, 99.0, 101.2, "tokens/s") == "±1.2 %");
  CHECK(spread_text(100.0, 80.0, 110.0, "tokens/s") == "±20 %");
  CHECK(spread_text(100.0, 99.96, 100.01, "x") == "±0.04 %");
  CHECK(spread_text(0.929, 0.913, 0.94, "1") == "±0.016");
  CHECK(spread_text(1.0, 0.976, 1.0, "1") == "±0.024");
  CHECK(spread_text(26e6, 25e6, 27e6, "1") == "±1000000");
}

TEST_CASE("figures judged on other items are marked and never ranked") {
  std::vector<Record> records;
  for (const int64_t count : {156, 156, 52}) {
    records.push_back(
        {.subject = {
             "m", "s" + std::to_string(records.size()), "mlx", "cpu", {}, "image_classification"}});
    records.back().launches = {
        {.kind = "quality", .facts = Json::object({{"picture_count", count}})}};
    records.back().measurements = {{.name = "pictures_per_s", .value = 100.0},
                                   {.name = "top1_accuracy", .value = 0.75},
                                   {.name = "top1_agreement", .value = 1.0}};
  }
  const Table table = summarize(group_by_model(records)[0].records);
  int marked = 0;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const bool is_quality =
        table.columns[i].heading == "agreement" || table.columns[i].heading == "top-1";
    for (size_t row = 0; row < table.rows.size(); ++row) {
      const Cell& cell = table.rows[row][i];
      CHECK(cell.is_ranked == !(is_quality && row == 2));
      marked += cell.text.ends_with(unlike_mark) ? 1 : 0;
    }
  }
  CHECK(marked == 2);
}

TEST_CASE("unlike workloads and cases that did not settle are not ranked") {
  std::vector<Record> records(2);
  for (Record& record : records)
    record.subject = {"m", "fp32", "mlx", "cpu", {}, "image_classification"};
  records[1].outcome = Outcome::unstable;
  const auto is_ranked = [&](size_t row) {
    return summarize(group_by_model(records)[0].records).rows[row][0].is_ranked;
  };
  CHECK(is_ranked(0));
  CHECK_FALSE(is_ranked(1));
  records[1].subject.workload.set("depth_tokens", 64);
  CHECK_FALSE(is_ranked(0));
}
