#include "task/workload.h"

#include <cmath>

namespace qb {

double Workload::real(std::string_view name, double absent) const {
  const auto found = values_.find(name);
  return found == values_.end() ? absent : found->second;
}

int64_t Workload::integer(std::string_view name, int64_t absent) const {
  return std::llround(real(name, static_cast<double>(absent)));
}

Workload Workload::without(std::string_view name) const {
  Workload rest;
  for (const auto& [other, value] : values_)
    if (other != name) rest.set(other, value);
  return rest;
}

Json to_json(const Workload& workload) {
  Json json = Json::object({});
  for (const auto& [name, value] : workload.values()) {
    if (value == std::trunc(value) && std::fabs(value) < 1e15)
      json.set(name, static_cast<int64_t>(value));
    else
      json.set(name, value);
  }
  return json;
}

Result<Workload> workload_from_json(const Json& json) {
  if (!json.is_object()) return fail(Errc::bad_input, "a workload must be named numbers");
  Workload workload;
  for (const auto& [name, value] : json.as_object()) {
    if (!value.is_number()) return fail(Errc::bad_input, "field \"{}\" must be a number", name);
    workload.set(name, value.as_double());
  }
  return workload;
}

}  // namespace qb
