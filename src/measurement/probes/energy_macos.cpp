// Checked by compiling for macOS; never run on Linux.
#include "measurement/probes/energy.h"

namespace qb::probes {

EnergyMeter::EnergyMeter() : reason_("energy is not read on macOS yet"), dram_reason_(reason_) {}
EnergyMeter::EnergyMeter(const std::filesystem::path&) : EnergyMeter() {}
std::optional<int64_t> EnergyMeter::used(const std::vector<Domain>&) { return std::nullopt; }

}  // namespace qb::probes
