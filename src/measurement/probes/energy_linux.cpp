#include <algorithm>
#include <string_view>

#include "base/result.h"
#include "measurement/probes/energy.h"
#include "measurement/probes/kernel_file.h"

namespace qb::probes {
namespace fs = std::filesystem;
namespace {

struct Zone {
  fs::path folder;
  std::string name;  // "package-0", "package-1-die-0", "core", "uncore", "dram", "psys"
};

// The zones of one interface, a folder each: "intel-rapl:0", and "intel-rapl:0:1" inside it. AMD's
// processors are shown under the same prefix.
std::vector<Zone> zones_of(const fs::path& powercap, std::string_view prefix) {
  std::vector<Zone> zones;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(powercap, error))
    if (entry.path().filename().string().starts_with(prefix))
      zones.push_back({entry.path(), read_word(entry.path() / "name")});
  std::ranges::sort(zones, {}, &Zone::folder);
  return zones;
}

// "intel-rapl-mmio" shows the same packages once more: it counts only where it is alone.
std::vector<Zone> find_zones(const fs::path& powercap) {
  std::vector<Zone> zones = zones_of(powercap, "intel-rapl:");
  return zones.empty() ? zones_of(powercap, "intel-rapl-mmio:") : zones;
}

std::vector<fs::path> folders_of(const std::vector<Zone>& zones, std::string_view prefix) {
  std::vector<fs::path> folders;
  for (const Zone& zone : zones)
    if (zone.name.starts_with(prefix)) folders.push_back(zone.folder);
  return folders;
}

}  // namespace

EnergyMeter::EnergyMeter() : EnergyMeter("/sys/class/powercap") {}

EnergyMeter::EnergyMeter(const fs::path& powercap) {
  // All or nothing: the sum of some packages would look like a frugal machine.
  const auto open = [](const std::vector<fs::path>& folders, std::vector<Domain>& domains) {
    for (const fs::path& folder : folders) {
      const auto start = read_number<int64_t>(folder / "energy_uj");
      const auto range = read_number<int64_t>(folder / "max_energy_range_uj");
      if (start && range) domains.push_back({folder / "energy_uj", *start, *range});
    }
    if (domains.size() < folders.size()) domains.clear();
    return !domains.empty();
  };
  constexpr std::string_view unreadable = "RAPL's energy counters can be read by root only";
  const std::vector<Zone> zones = find_zones(powercap);
  const std::vector<fs::path> packages = folders_of(zones, "package");
  const std::vector<fs::path> platform = folders_of(zones, "psys");
  const std::vector<fs::path> memory = folders_of(zones, "dram");
  // The platform contains the packages, so it is never added to them.
  if (open(packages.empty() ? platform : packages, processor_))
    source_ = packages.empty() ? "platform" : "packages";
  else if (packages.empty() && platform.empty())
    reason_ = "this machine shows no RAPL energy counters";
  else
    reason_ = unreadable;
  if (!open(memory, memory_))
    dram_reason_ = memory.empty() ? "this machine shows no energy counter of its memory"
                                  : std::string(unreadable);
}

std::optional<int64_t> EnergyMeter::used(const std::vector<Domain>& domains) {
  if (domains.empty()) return std::nullopt;
  int64_t total = 0;
  for (const Domain& domain : domains) {
    const auto now = read_number<int64_t>(domain.counter);
    if (!now) return std::nullopt;
    total +=
        *now >= domain.start_uj ? *now - domain.start_uj : *now + domain.range_uj - domain.start_uj;
  }
  return total;
}

}  // namespace qb::probes
