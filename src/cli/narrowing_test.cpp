#include "cli/narrowing.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::cli;

TEST_CASE("threads are those that the machine has, by the command line and by the suite") {
  struct Row {
    std::vector<int64_t> given, of_suite;
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
    suite.benchmarks.emplace_back().thread_counts = row.of_suite;
    const auto checked = check_threads({.thread_counts = row.given}, suite, 4);
    CHECK(checked.has_value() == row.refusal.empty());
    if (!checked) CHECK(checked.error().message == row.refusal);
  }
}

TEST_CASE("what a list names twice is measured once") {
  const plan::Narrowing narrowing = without_repeats({.models = {"b", "a", "b"},
                                                     .schemes = {"fp32", "fp32"},
                                                     .frameworks = {"mlx", "mlx"},
                                                     .devices = {"cpu", "cpu"},
                                                     .thread_counts = {2, 1, 2, 1},
                                                     .batches = {1, 1},
                                                     .depths = {0, 0}});
  CHECK(narrowing.models == std::vector<std::string>{"b", "a"});
  for (const auto* list : {&narrowing.schemes, &narrowing.frameworks, &narrowing.devices})
    CHECK(list->size() == 1);
  CHECK(narrowing.thread_counts == std::vector<int64_t>{2, 1});
  CHECK(narrowing.batches.size() + narrowing.depths.size() == 2);
}
