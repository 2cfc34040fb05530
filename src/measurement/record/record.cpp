#include "measurement/record/record.h"

namespace qb {
namespace {

constexpr std::string_view outcome_names[] = {
    "ok",        "unsupported", "unavailable",   "failed",
    "timed_out", "crashed",     "out_of_memory", "unstable"};

}  // namespace

std::string case_id(const Case& c) {
  return fmt::format("{}/{}/{}/{}/{}", c.model, c.scheme, c.framework, c.device,
                     task::id_of(task_of(c), c.workload));
}

std::string_view name_of(Outcome outcome) { return outcome_names[static_cast<size_t>(outcome)]; }

Result<Outcome> parse_outcome(std::string_view name) {
  for (size_t i = 0; i < std::size(outcome_names); ++i)
    if (outcome_names[i] == name) return static_cast<Outcome>(i);
  return fail(Errc::bad_input, "unknown outcome \"{}\"", name);
}

std::string quality_failure(const Record& record) {
  const std::string& outcome = record.manifest["quality_outcome"].as_string();
  if (outcome.empty() || outcome == name_of(Outcome::ok)) return {};
  return fmt::format("{}: {}", outcome, record.manifest["quality_reason"].as_string());
}

const Measurement* find_measurement(const Record& record, std::string_view name) {
  for (const Measurement& measurement : record.measurements)
    if (measurement.name == name) return &measurement;
  return nullptr;
}

}  // namespace qb
