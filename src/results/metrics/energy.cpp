#include "results/metrics/energy.h"

#include "results/metrics/launches.h"
#include "results/metrics/measures.h"

namespace qb::metrics {
namespace {

// Why a figure of counted launches is missing: what the worker said of the counter, or the fact
// that isn't there.
std::string why_absent(const Record& record, const Metric& metric, std::string_view energy,
                       std::string_view reason) {
  for (const Launch* launch : counted_launches(record, "speed")) {
    if (launch->facts[energy].is_number()) return fmt::format("no launch has {}", metric.source);
    if (launch->facts[reason].is_string()) return launch->facts[reason].as_string();
  }
  return fmt::format("no launch has {}", energy);
}

// The quotient becomes a fact of its own, so that the rule for a figure of launches and its
// interval is speed_fact's.
Measurement energy_per_item(const Record& record, const Metric& metric, std::string_view energy,
                            std::string_view reason) {
  Record quotients = {.subject = record.subject,
                      .outcome = record.outcome,
                      .reason = record.reason,
                      .manifest = record.manifest};
  for (const Launch& launch : record.launches) {
    Launch quotient = {.index = launch.index, .kind = launch.kind, .outcome = launch.outcome};
    const double count = launch.facts[metric.source].as_double();
    if (launch.facts[energy].is_number() && count > 0)
      quotient.facts.set(metric.source, launch.facts[energy].as_double() * 1e-6 / count);
    quotients.launches.push_back(std::move(quotient));
  }
  Measurement m = speed_fact(quotients, metric);
  if (!m.value && !counted_launches(record, "speed").empty())
    m.reason = why_absent(record, metric, energy, reason);
  return m;
}

}  // namespace

Measurement joules_per_item(const Record& record, const Metric& metric) {
  return energy_per_item(record, metric, "energy_uj", "energy_reason");
}

Measurement dram_joules_per_item(const Record& record, const Metric& metric) {
  return energy_per_item(record, metric, "energy_dram_uj", "energy_dram_reason");
}

}  // namespace qb::metrics
