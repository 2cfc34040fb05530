// How metrics are read from a record's launches: what the rows of metrics.cpp name.
#pragma once

#include "metrics/metrics.h"

namespace qb::metrics {

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
Measurement quality_fact(const Record& record, const Metric& metric);
Measurement output_distance(const Record& record, const Metric& metric);

}  // namespace qb::metrics
