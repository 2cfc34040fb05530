// What a worker tells: one JSON object a line.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "base/result.h"
#include "measurement/record/record.h"

namespace qb::wire {

struct PhaseStarted {
  std::string phase;
};
struct Fact {
  std::string name;
  Json value;
};
struct Finished {
  Outcome outcome = Outcome::ok;
  std::string reason;
};
using Event = std::variant<PhaseStarted, SampleSeries, Fact, Finished>;

std::string to_line(const Event& event);  // with its newline
// Error: a line that no worker writes.
Result<Event> parse_event(std::string_view line);

}  // namespace qb::wire
