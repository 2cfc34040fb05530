// Checked by compiling for macOS; never run on Linux.
#include "probes/energy.h"

namespace qb::probes {

EnergyMeter::EnergyMeter() : reason_("energy is not read on macOS yet") {}
EnergyMeter::EnergyMeter(const std::filesystem::path&) : EnergyMeter() {}
std::optional<int64_t> EnergyMeter::used_uj() const { return std::nullopt; }

}  // namespace qb::probes
