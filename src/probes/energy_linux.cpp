#include <fstream>

#include "probes/energy.h"

namespace qb::probes {
namespace fs = std::filesystem;
namespace {

std::optional<int64_t> read_number(const fs::path& path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

// "intel-rapl:0" is a package; "intel-rapl:0:1" a part of it.
bool is_package(const std::string& name) {
  const size_t colon = name.find(':');
  return name.starts_with("intel-rapl:") && name.find(':', colon + 1) == std::string::npos;
}

}  // namespace

EnergyMeter::EnergyMeter() : EnergyMeter("/sys/class/powercap") {}

EnergyMeter::EnergyMeter(const fs::path& powercap) {
  std::error_code error;
  bool is_there = false;
  for (const auto& entry : fs::directory_iterator(powercap, error)) {
    if (!is_package(entry.path().filename().string())) continue;
    is_there = true;
    const auto start = read_number(entry.path() / "energy_uj");
    const auto range = read_number(entry.path() / "max_energy_range_uj");
    if (start && range) domains_.push_back({entry.path() / "energy_uj", *start, *range});
  }
  if (!is_there)
    reason_ = "this machine shows no RAPL energy counters";
  else if (domains_.empty())
    reason_ = "RAPL's energy counters can be read by root only";
}

std::optional<int64_t> EnergyMeter::used_uj() const {
  if (domains_.empty()) return std::nullopt;
  int64_t total = 0;
  for (const Domain& domain : domains_) {
    const auto now = read_number(domain.counter);
    if (!now) return std::nullopt;
    total +=
        *now >= domain.start_uj ? *now - domain.start_uj : *now + domain.range_uj - domain.start_uj;
  }
  return total;
}

}  // namespace qb::probes
