// Energy that the processor and the memory used, where the system tells.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace qb::probes {

// Counts from its construction on. Linux: RAPL in powercap (root only on most systems); elsewhere
// never available. Domains are told apart by their names: "package-0", "dram", "psys", …
class EnergyMeter {
 public:
  EnergyMeter();
  // A folder in place of /sys/class/powercap, for tests.
  explicit EnergyMeter(const std::filesystem::path& powercap);

  // Microjoules since the start of what source() names; empty when that isn't available. Counters
  // wrap around at their stated range, which is taken into account once: read it again within the
  // minutes that a package needs for that.
  std::optional<int64_t> used_uj() const { return used(processor_); }
  // The same of all memory ("dram"), which packages don't contain; empty when not told.
  std::optional<int64_t> used_dram_uj() const { return used(memory_); }

  // "packages": the sum of all of them. "platform": only the domain psys is there, which counts
  // the whole machine, so its figures are no processor's. Empty when used_uj() isn't available.
  const std::string& source() const { return source_; }
  // Why used_uj(), or used_dram_uj(), isn't available.
  const std::string& reason() const { return reason_; }
  const std::string& dram_reason() const { return dram_reason_; }

 private:
  struct Domain {
    std::filesystem::path counter;
    int64_t start_uj = 0;
    int64_t range_uj = 0;
  };
  static std::optional<int64_t> used(const std::vector<Domain>& domains);

  std::vector<Domain> processor_;
  std::vector<Domain> memory_;
  std::string source_;
  std::string reason_;
  std::string dram_reason_;
};

}  // namespace qb::probes
