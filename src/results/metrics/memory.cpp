// What a worker takes of memory, and the weights of the disk.
#include <algorithm>

#include "results/metrics/measures.h"

namespace qb::metrics {
namespace {

// The larger of compiling and running, or that of the process's life where the system tells only
// it.
Measurement peak_memory(const Record& record, const Metric& metric) {
  return over_launches(record, metric, [](const Launch& launch) -> std::optional<double> {
    const auto run = fact_of(launch, "rss_bytes_peak_run");
    if (!run) return fact_of(launch, "rss_bytes_peak_life");
    return std::max(*run, fact_of(launch, "rss_bytes_peak_compile").value_or(*run));
  });
}

constexpr Metric rows[] = {
    {.name = "rss_bytes_peak",
     .unit = "B",
     .better = Better::lower,
     .label = "peak memory",
     .summary = "Largest resident memory of the worker while compiling or running.",
     .fact = "rss_bytes_peak_run",
     .measure = peak_memory},
    {.name = "rss_bytes_steady",
     .unit = "B",
     .better = Better::lower,
     .label = "steady memory",
     .summary = "Resident memory of the worker after the timed loop.",
     .fact = "rss_bytes_steady",
     .measure = fact_median},
    {.name = "rss_bytes_weights",
     .unit = "B",
     .better = Better::lower,
     .label = "weights in memory",
     .summary = "Resident memory of the mapped weights and of what compiling added to it.",
     .fact = "rss_bytes_weights",
     .measure = fact_median},
    {.name = "rss_bytes_scratch",
     .unit = "B",
     .better = Better::lower,
     .label = "scratch memory",
     .summary = "What running adds to resident memory at its peak, mapped files apart.",
     .fact = "rss_bytes_scratch",
     .measure = fact_median},
};

constexpr Metric disk_rows[] = {
    {.name = "bundle_bytes",
     .unit = "B",
     .better = Better::lower,
     .label = "on disk",
     .summary = "Bytes on disk of the weights in this scheme, or of a model file.",
     .fact = "bundle_bytes",
     .measure = fact_median},
};

}  // namespace

std::span<const Metric> memory_metrics() { return rows; }

std::span<const Metric> disk_metrics() { return disk_rows; }

}  // namespace qb::metrics
