// The metrics: one table. A metric reads a record's launches; measurements can so be made anew from
// stored samples by a later version.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/record/record.h"

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
  std::string_view kind = "speed";  // of the launches it is read from, or "quality"
  Measurement (*measure)(const Record& record, const Metric& metric) = nullptr;
};

std::span<const Metric> metrics();
const Metric* find_metric(std::string_view name);

// What the interval of such a figure is true of, to stand behind it: "in this session", "of this
// text", "of pictures like these".
std::string_view scope_of(const Metric& metric, const Record& record);

// Every metric of the record that applies to its task; a value that isn't available has its reason.
std::vector<Measurement> measure(const Record& record);

}  // namespace qb::metrics
