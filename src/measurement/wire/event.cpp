#include "measurement/wire/event.h"

namespace qb::wire {
namespace {

Json to_json(const PhaseStarted& event) {
  return Json::object({{"event", "phase"}, {"phase", event.phase}});
}
Json to_json(const SampleSeries& event) {
  return Json::object({{"event", "samples"},
                       {"phase", event.phase},
                       {"duration_ns", Json::array_of(event.duration_ns)}});
}
Json to_json(const Fact& event) {
  return Json::object({{"event", "fact"}, {"name", event.name}, {"value", event.value}});
}
Json to_json(const Finished& event) {
  return Json::object(
      {{"event", "finished"}, {"outcome", name_of(event.outcome)}, {"reason", event.reason}});
}

Result<Event> samples_from(const Json& json) {
  SampleSeries series;
  QB_TRY(series.phase, json.get_string("phase"));
  for (const Json& item : json["duration_ns"].as_array()) {
    if (!item.is_int() || item.as_int() < 0)
      return fail(Errc::bad_input, "a duration is no count of nanoseconds");
    series.duration_ns.push_back(item.as_int());
  }
  return series;
}

}  // namespace

std::string to_line(const Event& event) {
  return dump_json(std::visit([](const auto& e) { return to_json(e); }, event)) + "\n";
}

Result<Event> parse_event(std::string_view line) {
  QB_TRY(const Json json, parse_json(line));
  const std::string& kind = json["event"].as_string();
  if (kind == "phase") {
    QB_TRY(std::string phase, json.get_string("phase"));
    return PhaseStarted{std::move(phase)};
  }
  if (kind == "samples") return samples_from(json);
  if (kind == "fact") {
    QB_TRY(std::string name, json.get_string("name"));
    return Fact{std::move(name), json["value"]};
  }
  if (kind == "finished") {
    QB_TRY(const Outcome outcome, parse_outcome(json["outcome"].as_string()));
    return Finished{outcome, json["reason"].as_string()};
  }
  return fail(Errc::bad_input, "unknown event \"{}\"", kind);
}

}  // namespace qb::wire
