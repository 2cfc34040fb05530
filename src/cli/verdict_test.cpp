#include "cli/verdict.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::cli;

TEST_CASE("a run fails when a case failed or none was measured, and says so") {
  using enum Outcome;
  using campaign::Ending;
  struct Row {
    std::vector<Outcome> outcomes;
    campaign::Summary summary;
    ExitCode code;
    std::string_view line;
  };
  const Row rows[] = {
      {{ok, ok}, {}, exit_ok, ""},
      {{ok, unstable, unsupported, unavailable}, {}, exit_ok, ""},
      {{ok, failed}, {}, exit_failed, "not every case of 2 was measured: 1 failed"},
      {{ok, crashed, timed_out, crashed},
       {},
       exit_failed,
       "not every case of 4 was measured: 1 timed_out, 2 crashed"},
      {{unstable, out_of_memory},
       {},
       exit_failed,
       "not every case of 2 was measured: 1 out_of_memory"},
      {{unsupported, unavailable, unavailable},
       {},
       exit_failed,
       "none of 3 cases was measured: 1 unsupported, 2 unavailable"},
      {{unavailable, out_of_memory},
       {},
       exit_failed,
       "none of 2 cases was measured: 1 out_of_memory, 1 unavailable"},
      {{ok}, {Ending::budget_spent, {}}, exit_ok, ""},
      {{unavailable},
       {Ending::budget_spent, {}},
       exit_failed,
       "none of 1 cases was measured: 1 unavailable"},
      {{failed},
       {Ending::complete, {"a bad file"}},
       exit_usage,
       "none of 1 cases was measured: 1 failed"},
      {{ok, failed}, {Ending::interrupted, {}}, exit_interrupted, "interrupted"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    std::vector<Record> records;
    for (const Outcome outcome : row.outcomes) records.push_back({.outcome = outcome});
    const Verdict verdict = judge(records, row.summary);
    CHECK(verdict.code == row.code);
    CHECK(verdict.line == row.line);
  }
}
