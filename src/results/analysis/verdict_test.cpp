#include "results/analysis/verdict.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::analysis;

namespace {

// A case whose launches ran at `speeds` (pictures a second), judged on 156 pictures.
Record record_of(const char* scheme, const std::vector<double>& speeds, double bytes,
                 double agreement, double low, double high) {
  Record record = {.subject = {"m", scheme, "onnxruntime", "cpu", {}, "image_classification"},
                   .manifest = Json::object({{"weights", "pretrained"}})};
  int64_t index = 0;
  for (const double speed : speeds)
    record.launches.push_back(
        {.index = index++, .samples = {{"inference", {static_cast<int64_t>(1e9 / speed)}}}});
  record.launches.push_back({.kind = "quality", .facts = Json::object({{"picture_count", 156}})});
  record.measurements = {{.name = "pictures_per_s", .value = speeds[0]},
                         {.name = "bundle_bytes", .value = bytes},
                         {.name = "top1_agreement", .value = agreement, .low = low, .high = high}};
  return record;
}

// Ten launches about a speed, so that ratios have narrow intervals.
std::vector<double> about(double speed) {
  std::vector<double> speeds;
  for (int i = 0; i < 10; ++i) speeds.push_back(speed * (1.0 + 0.001 * (i * 7 % 10 - 4)));
  return speeds;
}

Verdict judge_all(const std::vector<Record>& records) {
  const auto verdicts = judge(group_by_model(records).front());
  REQUIRE(verdicts.size() == 1);
  REQUIRE(verdicts[0].claims.size() == 3);
  return verdicts[0];
}

const std::string& scheme_of(const Claim& claim) { return claim.winners.at(0)->subject.scheme; }

bool says(const Claim& claim, const std::vector<const Record*>& records, std::string_view text) {
  const std::string sentence = sentence_of(claim, records);
  CAPTURE(sentence);
  return sentence.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("the verdict names the fastest, the smallest, and the best that answers like fp32") {
  const std::vector<Record> records = {record_of("fp32", about(100), 400, 1.0, 1.0, 1.0),
                                       record_of("static8c", about(200), 200, 0.92, 0.90, 0.94),
                                       record_of("w8c", about(150), 100, 0.995, 0.991, 0.999)};
  const Verdict verdict = judge_all(records);
  CHECK(scheme_of(verdict.claims[0]) == "static8c");
  CHECK(scheme_of(verdict.claims[1]) == "w8c");
  CHECK(scheme_of(verdict.claims[2]) == "w8c");
  for (const Claim& claim : verdict.claims) CHECK(claim.ties.empty());
  CHECK(says(verdict.claims[0], verdict.records, "static8c, 199 pictures/s, 2.00x fp32"));
  CHECK(says(verdict.claims[1], verdict.records, "0.25x fp32"));
  CHECK(says(verdict.claims[2], verdict.records, "agreement 0.995 ±0.004"));
}

TEST_CASE("what the intervals can't tell apart is said, and so is what has none") {
  std::vector<double> noisy = about(100);
  for (size_t i = 0; i < noisy.size(); ++i) noisy[i] *= i % 2 == 0 ? 0.9 : 1.1;
  std::vector<Record> records = {record_of("fp32", about(100), 400, 1.0, 1.0, 1.0),
                                 record_of("w8c", noisy, 400, 0.995, 0.97, 0.999)};
  Verdict verdict = judge_all(records);
  REQUIRE(verdict.claims[0].ties.size() == 1);
  CHECK(says(verdict.claims[0], verdict.records, "can't be told from"));
  CHECK(verdict.claims[1].winners.size() == 2);
  for (Record& record : records)
    record.launches.erase(record.launches.begin() + 1, record.launches.end());
  verdict = judge_all(records);
  CHECK(verdict.claims[0].ties.empty());
  CHECK(says(verdict.claims[0], verdict.records, "too few launches to tell"));
}

TEST_CASE("a doubtful agreement is said, on both sides of the limit") {
  std::vector<Record> records = {record_of("fp32", about(100), 400, 1.0, 1.0, 1.0),
                                 record_of("w8c", about(150), 100, 0.995, 0.97, 0.999),
                                 record_of("w4g32", about(200), 50, 0.985, 0.96, 0.995)};
  const Verdict verdict = judge_all(records);
  CHECK(scheme_of(verdict.claims[2]) == "w8c");
  CHECK(says(verdict.claims[2], verdict.records, "may be as low as 0.97"));
  CHECK(says(verdict.claims[2], verdict.records, "w4g32 may belong too and is faster"));
}

TEST_CASE("quality judged on other items is not compared, and the verdict says so") {
  std::vector<Record> records = {record_of("fp32", about(100), 400, 1.0, 1.0, 1.0),
                                 record_of("w8c", about(90), 100, 0.995, 0.991, 0.999),
                                 record_of("fp16", about(300), 200, 1.0, 0.99, 1.0)};
  records[2].launches.back().facts = Json::object({{"picture_count", 52}});
  const Verdict verdict = judge_all(records);
  CHECK(scheme_of(verdict.claims[0]) == "fp16");  // its speed may be compared
  CHECK(scheme_of(verdict.claims[2]) == "fp32");
  CHECK(says(verdict.claims[2], verdict.records, "fp32 (unquantized), "));
  records[0].measurements[2].low = 0.976;  // of itself nobody doubts that it answers like fp32
  CHECK_FALSE(says(judge_all(records).claims[2], verdict.records, "as low as"));
  CHECK(says(verdict.claims[2], verdict.records,
             "fp16 not compared: judged on 52 pictures, not on 156"));
}

TEST_CASE("a faster case whose quality could not be judged is named") {
  std::vector<Record> records = {record_of("fp32", about(100), 400, 1.0, 1.0, 1.0),
                                 record_of("w8c", about(150), 100, 1.0, 1.0, 1.0)};
  records[1].measurements.pop_back();
  records[1].launches.pop_back();
  const Verdict verdict = judge_all(records);
  CHECK(scheme_of(verdict.claims[2]) == "fp32");
  CHECK(says(verdict.claims[2], verdict.records, "w8c measured faster but without agreement"));
}

TEST_CASE("only cases that are ok can win; without any the verdict says so") {
  std::vector<Record> records = {record_of("fp32", about(100), 400, 1.0, 1.0, 1.0),
                                 record_of("w8c", about(150), 100, 1.0, 1.0, 1.0)};
  records[1].outcome = Outcome::unstable;
  Verdict verdict = judge_all(records);
  CHECK(scheme_of(verdict.claims[0]) == "fp32");
  CHECK(says(verdict.claims[0], verdict.records, "w8c measured faster but did not settle"));
  CHECK(scheme_of(verdict.claims[1]) == "fp32");
  records[0].outcome = Outcome::failed;
  verdict = judge_all(records);
  for (const Claim& claim : verdict.claims) {
    CHECK(claim.winners.empty());
    CHECK_FALSE(claim.reason.empty());
  }
  CHECK(lines_of(verdict).size() == 1);
}

TEST_CASE("none that keeps the answers: the nearest is named") {
  const std::vector<Record> records = {record_of("w8c", about(100), 400, 0.98, 0.96, 0.985),
                                       record_of("w4g32", about(150), 100, 0.6, 0.5, 0.7)};
  const Verdict verdict = judge_all(records);
  CHECK(verdict.claims[2].winners.empty());
  CHECK(says(verdict.claims[2], verdict.records, "the nearest is w8c, agreement 0.98"));
}

TEST_CASE("each workload of a sweep has a verdict of its own") {
  std::vector<Record> records;
  for (const int64_t batch : {1, 8}) {
    records.push_back(record_of("fp32", about(100), 400, 1.0, 1.0, 1.0));
    records.back().subject.workload.set("batch", batch);
  }
  const auto verdicts = judge(group_by_model(records).front());
  REQUIRE(verdicts.size() == 2);
  CHECK(verdicts[1].title == "m, batch 8");
}
