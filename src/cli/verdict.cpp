#include "cli/verdict.h"

#include <algorithm>

namespace qb::cli {
namespace {

int64_t count_of(const std::vector<Record>& records, Outcome outcome) {
  return std::ranges::count(records, outcome, &Record::outcome);
}

// "1 crashed, 2 timed_out"
std::string listed(const std::vector<Record>& records, std::initializer_list<Outcome> outcomes) {
  std::string text;
  for (const Outcome outcome : outcomes)
    if (const int64_t count = count_of(records, outcome); count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name_of(outcome));
  return text;
}

}  // namespace

Verdict judge(const std::vector<Record>& records, const campaign::Summary& summary) {
  if (summary.ending == campaign::Ending::interrupted) return {exit_interrupted, "interrupted"};
  const std::string failures = listed(
      records, {Outcome::failed, Outcome::timed_out, Outcome::crashed, Outcome::out_of_memory});
  const ExitCode code = summary.problems.empty() ? exit_failed : exit_usage;
  if (count_of(records, Outcome::ok) + count_of(records, Outcome::unstable) == 0) {
    const std::string others = listed(records, {Outcome::unsupported, Outcome::unavailable});
    return {code, fmt::format("none of {} cases was measured: {}{}{}", records.size(), failures,
                              failures.empty() || others.empty() ? "" : ", ", others)};
  }
  if (!failures.empty())
    return {code, fmt::format("not every case of {} was measured: {}", records.size(), failures)};
  return {summary.problems.empty() ? exit_ok : exit_usage, ""};
}

}  // namespace qb::cli
