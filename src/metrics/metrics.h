// The metrics: one table. A metric reads a record's launches; measurements can so be made anew from
// stored samples by a later version.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "record/record.h"
#include "stats/stats.h"

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

// The one that says most of a record's speed.
std::string_view speed_metric(const Record& record);

// The launches of that kind which count: ok, and of one that was measured again only the repeat.
std::vector<const Launch*> counted_launches(const Record& record, std::string_view kind);

// A record's speed over another's: of the medians, with the 95 % interval of the geometric mean of
// the launches' ratios, paired in the order of the blocks they ran in (BCa), from five pairs on.
// Empty when one has no speed.
struct Ratio {
  double value = 0.0;
  std::optional<stats::Interval> interval;
};
std::optional<Ratio> speed_ratio(const Record& record, const Record& base);

// Half the width of the interval over the value; empty without an interval.
std::optional<double> relative_half_width(const Measurement& measurement);

// Every metric of the record that applies to its task; a value that isn't available has its reason.
std::vector<Measurement> measure(const Record& record);

}  // namespace qb::metrics
