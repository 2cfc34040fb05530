// How metrics are read from a record's launches: what the subjects' files (speed.cpp, memory.cpp,
// …) share.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "results/metrics/metrics.h"

namespace qb::metrics {

// The rows of a subject, in the order of the table.
std::span<const Metric> speed_metrics();
std::span<const Metric> memory_metrics();
std::span<const Metric> energy_metrics();
std::span<const Metric> disk_metrics();
std::span<const Metric> quality_metrics();

// The number that a launch told under that name; empty when it told none.
std::optional<double> fact_of(const Launch& launch, std::string_view name);
// metric.fact, times the factor, over metric.per; empty when one isn't told or there is nothing to
// divide by.
std::optional<double> quotient_of(const Launch& launch, const Metric& metric, double factor = 1.0);

Measurement absent(std::string reason);
// Why no launch gives the metric.
std::string why_absent(const Record& record, const Metric& metric);
// "3 launches"
std::string launches_text(size_t count);

using ValueOf = std::function<std::optional<double>(const Launch&)>;

// One value of each launch that counts and has it; no figure yet.
Measurement with_launch_values(const Record& record, const Metric& metric, const ValueOf& value_of);
// The launch is the unit: one value each, their median and its interval.
Measurement over_launches(const Record& record, const Metric& metric, const ValueOf& value_of);
Measurement fact_median(const Record& record, const Metric& metric);      // of metric.fact
Measurement quotient_median(const Record& record, const Metric& metric);  // of quotient_of

}  // namespace qb::metrics
