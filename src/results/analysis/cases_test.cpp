#include "results/analysis/cases.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::analysis;

namespace {

Record record_of(const char* scheme, const char* framework) {
  return {.subject = {"m", scheme, framework, "cpu", {}, "image_classification"}};
}

// fp32, w8c and w4g32 in two frameworks: 0 to 2 and 3 to 5.
std::vector<Record> two_frameworks() {
  std::vector<Record> records;
  for (const char* framework : {"onnxruntime", "pytorch"})
    for (const char* scheme : {"fp32", "w8c", "w4g32"})
      records.push_back(record_of(scheme, framework));
  return records;
}

Record judged(const char* scheme, const char* fact, int64_t count) {
  Record record = record_of(scheme, "onnxruntime");
  record.launches = {{.kind = "quality", .facts = Json::object({{fact, count}})}};
  return record;
}

}  // namespace

TEST_CASE("cases are named in as few words as tell them") {
  const std::vector<Record> records = two_frameworks();
  std::vector<const Record*> all;
  for (const Record& record : records) all.push_back(&record);
  const auto name = [&](std::initializer_list<size_t> indices) {
    std::vector<const Record*> some;
    for (const size_t i : indices) some.push_back(all[i]);
    return name_cases(some, all);
  };
  CHECK(name({0, 1, 2, 3, 4, 5}) == "all");
  CHECK(name({1, 2, 4, 5}) == "all but fp32");
  CHECK(name({3, 4, 5}) == "pytorch");
  CHECK(name({1, 4}) == "w8c");
  CHECK(name({0, 3, 4, 5}) == "pytorch, fp32");
  CHECK(name({1, 2}) == "w8c, w4g32 (onnxruntime)");
  CHECK(name({1}) == "w8c onnxruntime");
  CHECK(name({1, 5}) == "w8c onnxruntime, w4g32 pytorch");
  CHECK(name({0, 1, 2, 3, 4}) == "all but w4g32 pytorch");
  CHECK(name_cases({all[1]}, {all[0], all[1]}) == "w8c");
  CHECK(name_cases({all[0]}, {all[0]}) == "fp32");
}

TEST_CASE("quality is compared with that of most cases, and only on as many items") {
  const std::vector<Record> records = {judged("a", "picture_count", 156),
                                       judged("b", "picture_count", 156),
                                       judged("c", "picture_count", 52), record_of("d", "mlx")};
  const std::vector<const Record*> all = {&records[0], &records[1], &records[2], &records[3]};
  CHECK(usual_item_count(all) == 156);
  CHECK(is_judged_alike(records[0], all));
  CHECK_FALSE(is_judged_alike(records[2], all));
  CHECK(is_judged_alike(records[3], all));  // not judged at all
  CHECK_FALSE(judged_item_count(records[3]));
  CHECK(usual_item_count({&records[0], &records[2]}) == 156);  // of equally many the greater
  CHECK_FALSE(usual_item_count({&records[3]}));
}
