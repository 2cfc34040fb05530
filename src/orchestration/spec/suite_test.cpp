#include "orchestration/spec/suite.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::spec;

namespace {

constexpr std::string_view good = R"(name = "small"
[protocol]
launches = 2
budget = "90s"
[[benchmark]]
model = ["a", "b"]
scheme = "fp32"
framework = ["onnxruntime"]
workload = { prompt_tokens = 16, generated_tokens = 4, threads = [1, 2] }
)";

}  // namespace

TEST_CASE("a suite is read field by field, one value standing for a list of one") {
  const auto suite = parse_suite(good, "small.toml");
  REQUIRE(suite);
  CHECK(suite->name == "small");
  CHECK(suite->text == good);
  CHECK(suite->protocol.launch_count == 2);
  CHECK(suite->protocol.budget_ns == 90'000'000'000);
  REQUIRE(suite->benchmarks.size() == 1);
  const Benchmark& benchmark = suite->benchmarks[0];
  CHECK(benchmark.models == std::vector<std::string>{"a", "b"});
  CHECK(benchmark.schemes == std::vector<std::string>{"fp32"});
  CHECK(benchmark.devices == std::vector<std::string>{"cpu"});
  CHECK(benchmark.axes.at("thread_count") == std::vector<double>{1, 2});
  CHECK(benchmark.axes.at("prompt_tokens") == std::vector<double>{16});
}

TEST_CASE("a typing error is one line with file, line and field") {
  struct Row {
    std::string from, to, message;
  };
  const Row rows[] = {
      {"launches = 2", "lanches = 2",
       "small.toml:3: protocol.lanches: unknown field; known: launches"},
      {"launches = 2", "launches = 0", "small.toml:3: protocol.launches: must be an integer of at"},
      {"launches = 2", "launches = \"2\"", "small.toml:3: protocol.launches: must be an integer"},
      {"launches = 2", "launches = 2\nhalf_width = 0.02\nlaunches_max = 10",
       "small.toml:2: protocol.half_width: is judged from 11 launches on"},
      {"\"90s\"", "\"90 sec\"", "small.toml:4: protocol.budget: \"90 sec\" is no duration"},
      {"model = ", "modl = ", "small.toml:6: benchmark[0].modl: unknown field"},
      {"scheme = \"fp32\"", "", "small.toml:5: benchmark[0].scheme: is missing"},
      {"[\"a\", \"b\"]", "[1]", "small.toml:6: benchmark[0].model: must be a list of names"},
      {"prompt_tokens = 16", "prompt_tokens = -1", "benchmark[0].workload.prompt_tokens: must be"},
      {"[1, 2]", "[0]", "benchmark[0].workload.threads: must be a list of integers"},
      {"name = \"small\"", "name = \"small", "small.toml:1: "},
      {"[[benchmark]]", "[benchmark]", "benchmark: must be [[benchmark]] tables"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.to);
    std::string text(good);
    REQUIRE(text.find(row.from) != std::string::npos);
    text.replace(text.find(row.from), row.from.size(), row.to);
    const auto suite = parse_suite(text, "small.toml");
    REQUIRE_FALSE(suite);
    CAPTURE(suite.error().message);
    CHECK(suite.error().message.find(row.message) != std::string::npos);
    CHECK(suite.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("limits of workers and rates of arrival are read") {
  std::string text(good);
  text.replace(text.find("launches = 2"), 12, "memory_max = \"6GB\"\nprocesses_max = 50");
  text.replace(text.find("threads = [1, 2]"), 16, "batch = [1, 8], arrivals_per_s = [0, 12.5]");
  const auto suite = parse_suite(text, "small.toml");
  REQUIRE(suite);
  CHECK(suite->protocol.memory_bytes_max == 6'000'000'000);
  CHECK(suite->protocol.process_count_max == 50);
  CHECK(suite->benchmarks[0].axes.at("batch") == std::vector<double>{1, 8});
  CHECK(suite->benchmarks[0].axes.at("arrivals_per_s") == std::vector<double>{0.0, 12.5});
  text.replace(text.find("12.5"), 4, "-1.0");
  CHECK(parse_suite(text, "small.toml").error().message.find("arrivals_per_s: must be a list of") !=
        std::string::npos);
}

TEST_CASE("amounts have a unit") {
  CHECK(parse_bytes("800MB").value() == 800'000'000);
  CHECK(parse_bytes("1.5kB").value() == 1500);
  for (const char* text : {"", "5", "GB", "-1B", "1e99TB", "6 GB", "6gb"})
    CHECK_FALSE(parse_bytes(text));
}

TEST_CASE("durations have a unit") {
  CHECK(parse_duration("250ms").value() == 250'000'000);
  CHECK(parse_duration("1.5h").value() == 5'400'000'000'000);
  for (const char* text : {"", "5", "m", "-1s", "1e99h", "nan s", "5 m"})
    CHECK_FALSE(parse_duration(text));
}

TEST_CASE("the suites that come with qbench have launches enough for intervals") {
  for (const char* name : {"quick", "schemes", "files"}) {
    CAPTURE(name);
    const auto suite = load_suite(fmt::format("{}/suites/{}.toml", QB_SOURCE_DIR, name));
    REQUIRE(suite);
    CHECK(suite->protocol.launch_count >= 5);
  }
}
