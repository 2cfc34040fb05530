// A record's launches: which count, how well they agree, how they compare with another record's.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "record/record.h"
#include "stats/stats.h"

namespace qb::metrics {

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

}  // namespace qb::metrics
