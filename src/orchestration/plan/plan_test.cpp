#include "orchestration/plan/plan.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "network/models/models.h"

using namespace qb;
using namespace qb::plan;

namespace {

spec::Suite suite_of(std::string_view body) {
  return spec::parse_suite(fmt::format("name = \"s\"\n{}", body), "s.toml").value();
}

const char* const two_by_two = R"([protocol]
launches = 3
[[benchmark]]
model = ["llama-test", "efficientnet-lite0"]
scheme = ["fp32", "w8c"]
framework = "reference"
)";

}  // namespace

TEST_CASE("a plan is the product of the suite's lists, each launch once") {
  const auto plan = build_plan(suite_of(two_by_two), {}, {2}, 1);
  REQUIRE(plan);
  CHECK(plan->cases.size() == 4);
  CHECK(plan->cases[0].subject.workload.integer("prompt_tokens") == 128);
  CHECK(plan->cases[0].subject.workload.thread_count() == 2);
  CHECK_FALSE(plan->cases[2].subject.workload.has("prompt_tokens"));  // pictures have no prompt
  CHECK(plan->launches.size() == 4 * 3 + 4);
  std::set<std::tuple<size_t, bool, int64_t>> seen;
  for (const PlannedLaunch& launch : plan->launches)
    CHECK(seen.insert({launch.case_index, launch.is_quality, launch.index}).second);
}

TEST_CASE("every block holds every case, and the seed decides the order") {
  const auto order = [](uint64_t seed) {
    const Plan plan = build_plan(suite_of(two_by_two), {}, {2}, seed).value();
    std::vector<size_t> cases;
    for (const PlannedLaunch& launch : plan.launches)
      if (!launch.is_quality) cases.push_back(launch.case_index);
    return cases;
  };
  const std::vector<size_t> first = order(1);
  for (size_t block = 0; block < 3; ++block)
    CHECK(std::set<size_t>(first.begin() + static_cast<long>(block * 4),
                           first.begin() + static_cast<long>(block * 4 + 4))
              .size() == 4);
  CHECK(order(1) == first);
  std::set<std::vector<size_t>> orders;
  for (uint64_t seed = 0; seed < 20; ++seed) orders.insert(order(seed));
  CHECK(orders.size() > 15);
}

TEST_CASE("narrowing replaces lists and keeps the named models") {
  const Narrowing narrowing = {
      .models = {"llama-test"}, .schemes = {"w4g32"}, .axes = {{"thread_count", {1, 4}}}};
  const Plan plan = build_plan(suite_of(two_by_two), narrowing, {2}, 1).value();
  REQUIRE(plan.cases.size() == 2);
  Narrowing deeper = narrowing;
  deeper.axes["batch"] = {2};
  deeper.axes["depth_tokens"] = {0, 16};
  const Plan deep = build_plan(suite_of(two_by_two), deeper, {2}, 1).value();
  REQUIRE(deep.cases.size() == 4);
  CHECK(case_id(deep.cases[1].subject) == "llama-test/w4g32/reference/cpu/b2t1p128g64d16");
  CHECK(case_id(plan.cases[0].subject) == "llama-test/w4g32/reference/cpu/b1t1p128g64");
  CHECK(case_id(plan.cases[1].subject) == "llama-test/w4g32/reference/cpu/b1t4p128g64");
}

TEST_CASE("batches, threads, depths and rates of arrival are swept") {
  spec::Suite suite = suite_of(two_by_two);
  suite.benchmarks.resize(1);
  spec::Benchmark& benchmark = suite.benchmarks[0];
  benchmark.models = {"llama-test"};
  benchmark.schemes = {"fp32"};
  benchmark.axes["batch"] = {1, 4};
  benchmark.axes["thread_count"] = {1, 2};
  benchmark.axes["depth_tokens"] = {0, 16};
  benchmark.axes["arrivals_per_s"] = {0.0, 12.5};
  benchmark.axes["prompt_tokens"] = {8};
  benchmark.axes["generated_tokens"] = {4};
  const Plan plan = build_plan(suite, {.frameworks = {"reference"}}, {2}, 1).value();
  std::set<std::string> ids;
  for (const PlannedCase& planned : plan.cases) ids.insert(case_id(planned.subject));
  CHECK(plan.cases.size() == 16);
  CHECK(ids.size() == 16);
  CHECK(ids.contains("llama-test/fp32/reference/cpu/b4t2p8g4d16r12.5"));
}

TEST_CASE("a framework is measured where the suite lists it, or everywhere") {
  spec::Suite suite;
  suite.benchmarks = {
      {.models = {"llama-test"}, .schemes = {"fp32"}, .frameworks = {"onnxruntime"}},
      {.models = {"llama-test"}, .schemes = {"w8c"}, .frameworks = {"onnxruntime", "mlx"}}};
  const auto ids = [&](std::vector<std::string> frameworks) {
    std::vector<std::string> names;
    const Plan plan = build_plan(suite, {.frameworks = std::move(frameworks)}, {2}, 1).value();
    for (const PlannedCase& c : plan.cases)
      names.push_back(c.subject.scheme + " " + c.subject.framework);
    return names;
  };
  CHECK(ids({"mlx"}) == std::vector<std::string>{"w8c mlx"});
  CHECK(ids({"onnxruntime"}) == std::vector<std::string>{"fp32 onnxruntime", "w8c onnxruntime"});
  CHECK(ids({"reference"}) == std::vector<std::string>{"fp32 reference", "w8c reference"});
}

TEST_CASE("a model of one's own takes the place of the suite's of its task") {
  const PlannedModel own = {"mine", "/models/mine", "causal_lm", 256, "0123"};
  const Plan alone = build_plan(suite_of(two_by_two), {.own_models = {own}}, {2}, 1).value();
  REQUIRE(alone.cases.size() == 2);
  CHECK(alone.cases[0].subject.model == "mine");
  CHECK(alone.cases[0].source == "/models/mine");
  CHECK(alone.cases[1].subject.scheme == "w8c");
  const Plan beside =
      build_plan(suite_of(two_by_two), {.models = {"llama-test"}, .own_models = {own}}, {2}, 1)
          .value();
  CHECK(beside.cases.size() == 4);
  const auto small =
      build_plan(suite_of(two_by_two), {.own_models = {{"s", "/s", "causal_lm", 64}}}, {2}, 1);
  REQUIRE_FALSE(small);
  CHECK(small.error().message == "192 tokens of context are wanted, s was made for 64");
  const auto other =
      build_plan(suite_of(two_by_two), {.own_models = {{"e", "/e", "embedding", 64}}}, {2}, 1);
  REQUIRE_FALSE(other);
  CHECK(other.error().message.starts_with("nothing of suite \"s\" is for e"));
}

TEST_CASE("a model of the zoo that the suite doesn't list takes the place of those of its task") {
  const Plan plan = build_plan(suite_of(two_by_two), {.models = {"smollm2-135m"}}, {2}, 1).value();
  REQUIRE(plan.cases.size() == 2);
  CHECK(plan.cases[0].subject.model == "smollm2-135m");
  CHECK(plan.cases[0].source == "smollm2-135m");
}

TEST_CASE("what doesn't fit the machine is skipped with the figure, and has no launch") {
  const Narrowing narrowing = {.models = {"llama-2-7b@synthetic"},
                               .schemes = {"fp32", "w4g64"},
                               .frameworks = {"onnxruntime", "pytorch"}};
  const auto planned = [&](int64_t memory_bytes) {
    return build_plan(suite_of(two_by_two), narrowing, {2, memory_bytes}, 1).value();
  };
  const Plan plan = planned(8'000'000'000);
  std::map<std::string, std::string> misfits;
  for (const PlannedCase& planned_case : plan.cases)
    misfits[planned_case.subject.framework + " " + planned_case.subject.scheme] =
        planned_case.misfit;
  REQUIRE(misfits.size() == 4);
  CHECK(misfits["onnxruntime fp32"].find("needs about 59.8 GB of memory") != std::string::npos);
  CHECK(misfits["onnxruntime fp32"].find("offers 8.00 GB") != std::string::npos);
  CHECK_FALSE(misfits["pytorch fp32"].empty());
  CHECK_FALSE(misfits["onnxruntime w4g64"].empty());
  CHECK(misfits["pytorch w4g64"].empty());
  for (const PlannedLaunch& launch : plan.launches)
    CHECK(plan.cases[launch.case_index].misfit.empty());
  CHECK(plan.launches.size() == 3 + 1);
  CHECK(planned(0).launches.size() == 4 * (3 + 1));  // of a machine that doesn't tell
  CHECK(plan.cases[0].quality_item_count == large_item_count);
}

TEST_CASE("unknown names are refused with the known ones") {
  struct Row {
    Narrowing narrowing;
    std::string reason;
  };
  const Row rows[] = {{{.models = {"x"}}, "unknown model \"x\""},
                      {{.models = {"all-minilm-l6-v2"}}, "nothing is left"},
                      {{.schemes = {"x"}}, "unknown scheme \"x\""},
                      {{.frameworks = {"x"}}, "unknown framework \"x\"; known: onnxruntime"},
                      {{.devices = {"x"}}, "unknown device \"x\"; known: cpu"}};
  for (const Row& row : rows) {
    const auto plan = build_plan(suite_of(two_by_two), row.narrowing, {2}, 1);
    REQUIRE_FALSE(plan);
    CHECK(plan.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("a suite without benchmark is a protocol for model files, and no plan of its own") {
  const auto plan = build_plan(suite_of("[protocol]\nlaunches = 3\n"), {}, {2}, 1);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().message.find("--model") != std::string::npos);
}

TEST_CASE("what another tool quantized is measured as it is, unless schemes are asked for") {
  Narrowing narrowing = {.own_models = {{"own", "/own", "causal_lm", 512, "hash", "gptq-w4g128s"}}};
  const auto schemes = [&] {
    std::set<std::string> names;
    const Plan plan = build_plan(suite_of(two_by_two), narrowing, {2}, 1).value();
    for (const PlannedCase& planned : plan.cases)
      if (planned.subject.model == "own") names.insert(planned.subject.scheme);
    return names;
  };
  CHECK(schemes() == std::set<std::string>{"as-is", "fp32", "w8c"});
  narrowing.schemes = {"w8c"};
  CHECK(schemes() == std::set<std::string>{"w8c"});
  narrowing.schemes.clear();
  narrowing.own_models[0].format.clear();
  CHECK(schemes() == std::set<std::string>{"fp32", "w8c"});
  narrowing.own_models[0].source = models::with_adapter("/own", "/adapter");
  CHECK(schemes() == std::set<std::string>{"fp32", "fp32+lora", "w8c", "w8c+lora"});
  narrowing.own_models[0].format = "gptq-w4g128s";
  CHECK(schemes() == std::set<std::string>{"as-is+lora", "fp32", "fp32+lora", "w8c", "w8c+lora"});
}
