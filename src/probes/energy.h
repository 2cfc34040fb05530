// Energy that the processor used, where the system tells.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace qb::probes {

// Counts from its construction on. Linux: RAPL's package domains in powercap (root only on most
// systems); elsewhere never available.
class EnergyMeter {
 public:
  EnergyMeter();
  // A folder in place of /sys/class/powercap, for tests.
  explicit EnergyMeter(const std::filesystem::path& powercap);

  // Microjoules of all packages since the start; empty when not available. Counters wrap around at
  // their stated range, which is taken into account once: read it again within the minutes that a
  // package needs for that.
  std::optional<int64_t> used_uj() const;
  // Why not, when it isn't available.
  const std::string& reason() const { return reason_; }

 private:
  struct Domain {
    std::filesystem::path counter;
    int64_t start_uj = 0;
    int64_t range_uj = 0;
  };
  std::vector<Domain> domains_;
  std::string reason_;
};

}  // namespace qb::probes
