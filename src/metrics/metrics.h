// The metrics: one table. A metric reads a record's launches; measurements can so be made anew from
// stored samples by a later version.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "record/record.h"

namespace qb::metrics {

enum class Better : uint8_t { lower, higher, neither };
std::string_view name_of(Better better);

struct Metric {
  std::string_view name;  // stored; never renamed
  std::string_view unit;  // "ns", "B", "tokens/s", "1" for a plain number
  Better better = Better::neither;
  std::string_view label;    // a table's heading
  std::string_view summary;  // one sentence for `qbench metrics`
  // Where it comes from: a phase's samples or a fact of a launch.
  std::string_view source;
  Measurement (*measure)(const Record& record, const Metric& metric) = nullptr;
};

std::span<const Metric> metrics();
const Metric* find_metric(std::string_view name);
// Whether it is read from the launches that judge answers, not from those that are timed.
bool is_of_quality(const Metric& metric);

// Every metric of the record that applies to its task; a value that isn't available has its reason.
std::vector<Measurement> measure(const Record& record);

}  // namespace qb::metrics
