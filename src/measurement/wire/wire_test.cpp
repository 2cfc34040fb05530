#include <doctest/doctest.h>

#include "measurement/wire/event.h"
#include "measurement/wire/request.h"

using namespace qb;
using namespace qb::wire;

TEST_CASE("every event survives its line") {
  const Event events[] = {PhaseStarted{"load"}, SampleSeries{"decode", {1, 2, 3}},
                          Fact{"kernels", Json::object({{"MatMul", 3}})},
                          Finished{Outcome::out_of_memory, "no \"room\"\nleft"}};
  for (const Event& event : events) {
    const std::string line = to_line(event);
    CHECK(line.find('\n') == line.size() - 1);
    const auto again = parse_event(line);
    REQUIRE(again);
    CHECK(to_line(*again) == line);
  }
}

TEST_CASE("garbage is an error, never an event") {
  for (const char* line : {"", "hello", "{}", R"({"event":"dance"})", R"({"event":"phase"})",
                           R"({"event":"samples","phase":"x","duration_ns":[-1]})",
                           R"({"event":"samples","phase":"x","duration_ns":["1"]})",
                           R"({"event":"finished","outcome":"fine"})", R"({"event":"fact"})"})
    CHECK_FALSE(parse_event(line));
}

TEST_CASE("a request survives JSON, and says which field is wrong") {
  Request request = {.is_quality = true,
                     .bundle = "b",
                     .model_file = "m.onnx",
                     .inputs = {{.name = "x", .shape = std::vector<int64_t>{1, 3}},
                                {.name = "y", .type = ElementType::i64, .range = {{1.0, 2.0}}},
                                {.name = "z", .file = "z.npy"}},
                     .task = "causal_lm",
                     .workload = {{"batch", 2}, {"thread_count", 3}, {"arrivals_per_s", 7.5}},
                     .seed = 7,
                     .limits = {1, 2, 3, 4, 5, 6, 7},
                     .dataset = "d",
                     .baseline = "x",
                     .baseline_output = "y",
                     .preparation = Preparation{.model = "m",
                                                .scheme = "w8c",
                                                .data_folder = "data",
                                                .cache_folder = "cache",
                                                .thread_count = 2,
                                                .only_looks = true,
                                                .with_layer_errors = true},
                     .emission = Emission{"b", "phone", {{"batch", 4}}, "out"}};
  const auto again = request_from_json(to_json(request));
  REQUIRE(again);
  CHECK(to_json(*again) == to_json(request));
  CHECK(again->preparation->thread_count == 2);
  CHECK(again->preparation->only_looks);
  CHECK(again->preparation->with_layer_errors);
  REQUIRE(again->emission->extents.size() == 1);
  CHECK(again->emission->extents[0].extent == 4);
  CHECK(again->workload == request.workload);
  CHECK(again->limits.memory_bytes_max == 6);
  CHECK(again->limits.process_count_max == 7);
  request.preparation.reset();
  request.emission.reset();
  Json spoilt = to_json(request);
  spoilt.set("workload", Json::object({{"thread_count", 0}}));
  CHECK(request_from_json(spoilt).error().message.find("thread_count") != std::string::npos);
  Json too_fast = to_json(request);
  too_fast.set("workload", Json::object({{"arrivals_per_s", -1.0}}));
  CHECK(request_from_json(too_fast).error().message.find("arrivals_per_s") != std::string::npos);
  CHECK(request_from_json(Json::object({})).error().message.find("task") != std::string::npos);
  CHECK(request_from_json(to_json(Request{.emission = Emission{}})));  // which needs none
  Json of_pictures = to_json(request);
  of_pictures.set("task", "image_classification")
      .set("workload", Json::object({{"prompt_tokens", 8}}));
  CHECK(request_from_json(of_pictures).error().message.find("prompt_tokens") != std::string::npos);
  Json of_another = to_json(request);
  of_another.set("kind", "quality");
  CHECK(request_from_json(of_another).error().message.find("\"kind\"") != std::string::npos);
  Json miswritten = to_json(request);
  miswritten.set("limits", Json::object({{"iteration_count_min", "many"}}));
  CHECK(request_from_json(miswritten).error().message.find("iteration_count_min") !=
        std::string::npos);
}
