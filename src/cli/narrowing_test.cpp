#include "cli/narrowing.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::cli;

TEST_CASE("threads are those that the machine has, by the command line and by the suite") {
  struct Row {
    std::vector<double> given, of_suite;
    std::string_view refusal;
  };
  const Row rows[] = {
      {{1, 2, 4}, {}, ""},
      {{}, {4}, ""},
      {{2}, {8}, ""},  // replaced
      {{}, {}, ""},
      {{0}, {}, "--threads 0: this machine offers 1 to 4"},
      {{1, -1}, {}, "--threads -1: this machine offers 1 to 4"},
      {{5}, {}, "--threads 5: this machine offers 1 to 4"},
      {{100000}, {}, "--threads 100000: this machine offers 1 to 4"},
      {{}, {1, 8}, "suite \"s\": threads 8: this machine offers 1 to 4"},
  };
  for (const Row& row : rows) {
    spec::Suite suite = {.name = "s"};
    suite.benchmarks.emplace_back().axes["thread_count"] = row.of_suite;
    const auto checked = check_threads({.axes = {{"thread_count", row.given}}}, suite, 4);
    CHECK(checked.has_value() == row.refusal.empty());
    if (!checked) CHECK(checked.error().message == row.refusal);
  }
}

TEST_CASE("what a list names twice is measured once") {
  const plan::Narrowing narrowing =
      without_repeats({.models = {"b", "a", "b"},
                       .schemes = {"fp32", "fp32"},
                       .frameworks = {"mlx", "mlx"},
                       .devices = {"cpu", "cpu"},
                       .axes = {{"thread_count", {2, 1, 2, 1}}, {"depth_tokens", {0, 0}}}});
  CHECK(narrowing.models == std::vector<std::string>{"b", "a"});
  for (const auto* list : {&narrowing.schemes, &narrowing.frameworks, &narrowing.devices})
    CHECK(list->size() == 1);
  CHECK(narrowing.axes.at("thread_count") == std::vector<double>{2, 1});
  CHECK(narrowing.axes.at("depth_tokens").size() == 1);
}
