// A workload: named values, such as a batch or the tokens of a prompt. Which names there are, their
// defaults and limits, says the row of its task (task/task.h).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/result.h"

namespace qb {

class Workload {
 public:
  using Values = std::map<std::string, double, std::less<>>;

  Workload() = default;
  Workload(std::initializer_list<Values::value_type> values) : values_(values) {}

  // 0, or what is given, when the workload has no such value.
  double real(std::string_view name, double absent = 0.0) const;
  int64_t integer(std::string_view name, int64_t absent = 0) const;
  bool has(std::string_view name) const { return values_.contains(name); }
  void set(std::string_view name, double value) {
    values_.insert_or_assign(std::string(name), value);
  }
  const Values& values() const { return values_; }
  Workload without(std::string_view name) const;

  // What every task has.
  int64_t batch() const { return integer("batch", 1); }
  int64_t thread_count() const { return integer("thread_count", 1); }
  double arrivals_per_s() const { return real("arrivals_per_s"); }

  friend bool operator==(const Workload&, const Workload&) = default;

 private:
  Values values_;
};

// {"batch": 1, …}; whole numbers without a point.
Json to_json(const Workload& workload);
// Error: a value that is no number.
Result<Workload> workload_from_json(const Json& json);

}  // namespace qb
