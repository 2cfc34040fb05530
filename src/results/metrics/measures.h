// How metrics are read from a record's launches: what the rows of metrics.cpp name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "results/metrics/metrics.h"

namespace qb::metrics {

// The number that a launch told under that name; empty when it told none.
std::optional<double> fact_of(const Launch& launch, std::string_view name);
Measurement absent(std::string reason);

// The launch is the unit of speed: one value each, their median.
Measurement phase_median(const Record& record, const Metric& metric);
Measurement generation_median(const Record& record, const Metric& metric);
Measurement prefill_rate(const Record& record, const Metric& metric);
Measurement batch_rate(const Record& record, const Metric& metric);
Measurement p90(const Record& record, const Metric& metric);
Measurement p99(const Record& record, const Metric& metric);
Measurement speed_fact(const Record& record, const Metric& metric);
Measurement peak_memory(const Record& record, const Metric& metric);
Measurement package_power(const Record& record, const Metric& metric);
Measurement power_above_idle(const Record& record, const Metric& metric);
Measurement share_of_time(const Record& record, const Metric& metric);
Measurement arrival_median(const Record& record, const Metric& metric);
Measurement arrival_p90(const Record& record, const Metric& metric);
Measurement arrival_p99(const Record& record, const Metric& metric);

// A figure of the quality launch. Those that vary with the text or the pictures have a 95 %
// interval where there is enough of it: shares (Wilson), perplexity, its ratio and KL (Student's t
// over chunks of the text).
Measurement share(const Record& record, const Metric& metric);
Measurement perplexity(const Record& record, const Metric& metric);
Measurement perplexity_ratio(const Record& record, const Metric& metric);
Measurement kl_divergence(const Record& record, const Metric& metric);
Measurement quality_fact(const Record& record, const Metric& metric);
Measurement output_distance(const Record& record, const Metric& metric);

}  // namespace qb::metrics
