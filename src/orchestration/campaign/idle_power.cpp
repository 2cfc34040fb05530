#include "orchestration/campaign/idle_power.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "measurement/probes/energy.h"

namespace qb::campaign {

void note_idle_power(std::vector<Record>& records) {
  const auto is_open = [](const Record& record) { return record.outcome == Outcome::ok; };
  const probes::EnergyMeter meter;
  if (!meter.used_uj() || std::ranges::none_of(records, is_open)) return;
  const int64_t start_ns = now_ns();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const auto used_uj = meter.used_uj();
  const int64_t time_ns = now_ns() - start_ns;
  if (!used_uj) return;
  for (Record& record : records)
    if (is_open(record))
      record.manifest.set("idle_power_w",
                          static_cast<double>(*used_uj) * 1e3 / static_cast<double>(time_ns));
}

}  // namespace qb::campaign
