#include "results/comparison/racing.h"

#include <doctest/doctest.h>

#include "measurement/record/record.h"

using namespace qb;
using namespace qb::comparison;

namespace {

constexpr const char* speed = "pictures_per_s";

Record record_of(const char* scheme, const std::vector<double>& rates, double agreement) {
  Record record = {.subject = {.model = "alpha",
                               .scheme = scheme,
                               .framework = "onnxruntime",
                               .device = "cpu",
                               .workload = {{"batch", 1}, {"thread_count", 2}},
                               .task = "image_classification"}};
  Measurement measured = {.name = speed};
  for (const double rate : rates) {
    measured.launch_indices.push_back(static_cast<int64_t>(measured.launch_values.size()));
    measured.launch_values.push_back(rate);
  }
  if (!rates.empty()) measured.value = rates.front();
  record.measurements = {measured,
                         {.name = "top1_agreement",
                          .value = agreement,
                          .low = agreement - 0.01,
                          .high = agreement + 0.01}};
  return record;
}

const std::vector<Constraint> constraints = {
    {.metric = metrics::find_metric("top1_agreement"), .bound = 0.95}};

std::string why(const std::vector<Record>& records, size_t number, int64_t index) {
  return why_enough(records, records[number], index, constraints, nullptr);
}

}  // namespace

TEST_CASE("what violates a constraint is not measured at all") {
  const std::vector<Record> records = {record_of("fp32", {}, 1.0), record_of("w4g32", {}, 0.9)};
  CHECK(why(records, 0, 0).empty());
  CHECK(why(records, 1, 0).find("is not at least 0.95") != std::string::npos);
}

TEST_CASE("an interval that holds the bound leaves it in") {
  const std::vector<Record> records = {record_of("fp32", {}, 1.0), record_of("w8c", {}, 0.945)};
  CHECK(why(records, 1, 0).empty());
}

TEST_CASE("what is surely slower is out after two rounds, and the only one left is done") {
  const std::vector<Record> records = {record_of("fp32", {50.0, 50.1}, 1.0),
                                       record_of("w8c", {100.0, 100.3}, 1.0),
                                       record_of("static8c", {60.0, 60.1}, 1.0)};
  CHECK(why(records, 0, 1).empty());
  for (const size_t slow : {size_t{0}, size_t{2}})
    CHECK(why(records, slow, 2).find("alpha/w8c") != std::string::npos);
  CHECK(why(records, 1, 2) == "it is surely the best");
}

TEST_CASE("close ones go on, and a round that is not complete decides nothing") {
  const std::vector<Record> close = {record_of("fp32", {100.0, 104.0}, 1.0),
                                     record_of("w8c", {102.0, 101.0}, 1.0)};
  CHECK(why(close, 0, 2).empty());
  CHECK(why(close, 1, 2).empty());
  const std::vector<Record> torn = {record_of("fp32", {50.0, 50.1}, 1.0),
                                    record_of("w8c", {100.0}, 1.0)};
  CHECK(why(torn, 1, 2).empty());
}

TEST_CASE("a repeated launch stands for the one it repeats; other models don't race") {
  std::vector<Record> records = {record_of("fp32", {50.0, 50.1}, 1.0),
                                 record_of("w8c", {100.0, 100.3}, 1.0)};
  records[1].measurements[0].launch_indices = {0, repeat_offset + 1};
  CHECK_FALSE(why(records, 0, 2).empty());
  records[1].subject.model = "beta";
  CHECK(why(records, 0, 2) == "no other fulfils the constraints");
}

TEST_CASE("a case that failed doesn't hold the others up") {
  std::vector<Record> records = {record_of("fp32", {50.0, 50.1}, 1.0),
                                 record_of("w8c", {100.0, 100.3}, 1.0),
                                 record_of("w4g32", {}, 1.0)};
  records[2].outcome = Outcome::failed;
  CHECK(why(records, 1, 2) == "it is surely the best");
}
