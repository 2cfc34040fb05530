// A record's launches: which count, how well they agree, how they compare with another record's.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "measurement/record/record.h"
#include "stats/stats.h"

namespace qb::metrics {

// The one that says most of a record's speed.
std::string_view speed_metric(const Record& record);

// The launches of that kind which count: ok, and of one that was measured again only the repeat.
std::vector<const Launch*> counted_launches(const Record& record, std::string_view kind);

// The measurement of that metric, made anew from the launches.
Measurement speed_of(const Record& record);

// A record's speed over another's: the geometric mean of the ratios of their launches, paired by
// the block they ran in (a repeat stands for the launch it repeats), with Student's 95 % interval
// of the ratios' logs, from three pairs on. Without any pair the ratio of the two figures, no
// interval. Empty when one has no speed.
struct Ratio {
  double value = 0.0;
  std::optional<stats::Interval> interval;
  int64_t pair_count = 0;
};
std::optional<Ratio> speed_ratio(const Record& record, const Record& base);

}  // namespace qb::metrics
