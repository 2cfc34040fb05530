#include <doctest/doctest.h>

#include "orchestration/campaign/audit.h"
#include "orchestration/campaign/contention.h"
#include "orchestration/campaign/products.h"
#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"

using namespace qb;
using namespace qb::campaign;

namespace {

Launch launch_with(std::initializer_list<Json::Member> facts) {
  return {.facts = Json::object(facts)};
}

}  // namespace

TEST_CASE("what others used of the machine disturbs a launch, measured by the threads it uses") {
  const auto launch = [](int64_t foreign_ns, int64_t steal_ns) {
    return launch_with({{"measure_time_ns", 1'000'000'000},
                        {"cpu_time_ns", 1'900'000'000},
                        {"system_busy_time_ns", 1'900'000'000 + foreign_ns},
                        {"steal_time_ns", steal_ns}});
  };
  CHECK(contention_of(launch(90'000'000, 0), 1).empty());
  CHECK(contention_of(launch(250'000'000, 0), 1) == "other programs used 25 % of a core");
  CHECK(contention_of(launch(250'000'000, 0), 2) == "other programs used 25 % of a core");
  CHECK(contention_of(launch(250'000'000, 0), 32).empty());
  CHECK(contention_of(launch(4'000'000'000, 0), 32) == "other programs used 400 % of a core");
  CHECK(contention_of(launch(0, 40'000'000), 1).empty());
  CHECK(contention_of(launch(0, 80'000'000), 1) == "the hypervisor took 8 % of a core");
  CHECK(contention_of(launch(0, 80'000'000), 2).empty());
}

TEST_CASE("a processor that was throttled disturbs a launch, one that was before it doesn't") {
  const auto launch = [](int64_t before, int64_t after) {
    return launch_with({{"measure_time_ns", 100'000'000},
                        {"condition_before", Json::object({{"throttle_count", before}})},
                        {"condition_after", Json::object({{"throttle_count", after}})}});
  };
  CHECK(contention_of(launch(4, 4), 1).empty());
  CHECK(contention_of(launch(4, 5), 1) == "the processor slowed down for heat");
}

TEST_CASE("what can't be told is no disturbance") {
  CHECK(contention_of(launch_with({}), 1).empty());
  CHECK(contention_of(launch_with({{"measure_time_ns", 1'000'000'000}}), 1).empty());
  CHECK(contention_of(launch_with({{"measure_time_ns", 990'000'000},  // too short for the counters
                                   {"cpu_time_ns", 0},
                                   {"system_busy_time_ns", 990'000'000}}),
                      1)
            .empty());
}

TEST_CASE("an audit sees answers that change, and answers that come too fast") {
  const auto record_of = [](const char* second_hash, double ratio, bool is_faster = true) {
    Record record;
    for (int64_t i = 0; i < 2; ++i)
      record.launches.push_back(
          {.index = i,
           .facts = Json::object({{"output_hash", "a"},
                                  {"output_hash_after", i == 0 ? "a" : second_hash},
                                  {"same_input_is_faster", is_faster},
                                  {"same_input_ratio", ratio}})});
    audit(record);
    return record;
  };
  const Record good = record_of("a", 1.01);
  CHECK(good.manifest["audit"]["answers_are_equal"].as_bool());
  CHECK_FALSE(good.manifest["audit"]["may_keep_answers"].as_bool());
  CHECK_FALSE(record_of("b", 1.0).manifest["audit"]["answers_are_equal"].as_bool());
  CHECK(record_of("a", 0.4).manifest["audit"]["may_keep_answers"].as_bool());
  // A few slow ones among the others are noise.
  CHECK_FALSE(record_of("a", 0.8, false).manifest["audit"]["may_keep_answers"].as_bool());
}

TEST_CASE("an audit sees timed answers that change, and a quality launch that answers otherwise") {
  const auto audit_of = [](bool timed_are_equal, const char* quality_hash) {
    Record record;
    record.launches = {{.facts = Json::object({{"output_hash", "a"},
                                               {"output_hash_after", "a"},
                                               {"timed_answers_are_equal", timed_are_equal}})},
                       {.kind = "quality", .facts = Json::object({{"output_hash", quality_hash}})}};
    audit(record);
    return record.manifest["audit"];
  };
  CHECK(audit_of(true, "a")["answers_are_equal"].as_bool());
  CHECK(audit_of(true, "a")["quality_answers_alike"].as_bool());
  CHECK_FALSE(audit_of(false, "a")["answers_are_equal"].as_bool());
  CHECK_FALSE(audit_of(true, "b")["quality_answers_alike"].as_bool(true));
  Record of_batches = {.launches = {{.facts = Json::object({{"output_hash", "a"}})},
                                    {.kind = "quality", .facts = Json::object({})}}};
  audit(of_batches);
  CHECK(of_batches.manifest["audit"]["quality_answers_alike"].is_null());
}

TEST_CASE("a launch that was measured again doesn't count, its repeat does") {
  Record record = {.subject = {.workload = {{"prompt_tokens", 8}, {"generated_tokens", 2}},
                               .task = "causal_lm"}};
  for (const auto& [index, ns] :
       {std::pair<int64_t, int64_t>{0, 1'000'000}, {1, 9'000'000}, {1 + repeat_offset, 1'000'000}})
    record.launches.push_back({.index = index, .samples = {{"decode", {ns}}}});
  CHECK(metrics::counted_launches(record, "speed").size() == 2);
  const auto measured = metrics::measure(record);
  for (const Measurement& m : measured)
    if (m.name == "decode_tokens_per_s") CHECK(m.value == doctest::Approx(1000.0));
}

TEST_CASE("a device whose products are wrong is not measured, and is asked once") {
  int asked = 0;
  Products products([&](const runner::Framework&, const std::string& device) -> Result<Json> {
    ++asked;
    if (device == "ane") return fail(Errc::unavailable, "it ended with status 11");
    return Json::object({{"problem", device == "gpu" ? "fp16 is off by 3" : ""}});
  });
  const runner::Framework framework = {.name = "mlx", .title = "MLX"};
  Json manifest = Json::object({});
  CHECK(products.check(framework, "cpu", manifest));
  CHECK(asked == 0);
  CHECK_FALSE(manifest.contains("products"));
  for (int i = 0; i < 2; ++i) {
    const auto checked = products.check(framework, "gpu", manifest);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message ==
          "MLX's products on gpu are wrong, so its figures mean nothing: fp16 is off by 3");
  }
  CHECK(asked == 1);
  CHECK(products.check(framework, "ane", manifest));
  CHECK(manifest["products"]["not_checked"].as_string() == "it ended with status 11");
  CHECK(products.check(framework, "gpu1", manifest));
  CHECK(manifest["products"]["problem"].as_string().empty());
}
