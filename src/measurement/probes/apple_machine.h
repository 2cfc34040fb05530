// What a Mac's own readings say of it: pure functions, so that they are tested where there is no
// Mac. host_macos.cpp takes the readings.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace qb::probes {

// By the names of sysctl; "gpu-core-count" is that of the I/O registry, "pmset" what `pmset -g`
// prints. What the system doesn't tell is not here.
struct AppleReadings {
  std::map<std::string, std::string, std::less<>> texts;
  std::map<std::string, int64_t, std::less<>> numbers;
};

// A chip as it names itself: "Apple M3 Max" is generation "M3", variant "Max"; so are newer ones
// that no table knows yet.
struct AppleChip {
  std::string name;  // "M3 Max"
  std::string generation;
  std::string variant;      // "", "Pro", "Max", "Ultra", …
  bool is_virtual = false;  // "Apple M1 (Virtual)"
};
// Empty: no chip of Apple's, as in a Mac with an Intel processor.
std::optional<AppleChip> parse_apple_chip(std::string_view brand);

// What Apple's pages say of a chip and no call of the system does.
struct AppleChipRow {
  std::string_view name;
  int64_t gpu_cores = 0;  // of this build of the chip; 0: of all its builds
  int64_t memory_bandwidth_bytes_per_s = 0;
  int64_t neural_engine_cores = 0;  // 0: not known here
  std::string_view source;
};
// Null: the chip, or its build, isn't known here.
const AppleChipRow* find_apple_chip(std::string_view name, std::optional<int64_t> gpu_cores);

// Whether matrix products on the GPU can take its neural accelerators, and why.
struct NeuralAccelerators {
  bool are_usable = false;
  std::string reason;
};
// Empty: nobody here knows of that chip. `macos`: "26.2".
std::optional<NeuralAccelerators> neural_accelerators(const AppleChip& chip,
                                                      std::string_view macos);

// Of `pmset -g`: "automatic", "low" or "high"; "" when it doesn't tell.
std::string power_mode_of(std::string_view pmset);

// Physical cores that are not efficiency cores (these would hold up the others' threads); all where
// the system tells of no kinds. 0: not told.
int64_t fast_core_count(const AppleReadings& readings);

// For a run's manifest, see measurement/probes/host.h.
Json describe_apple_machine(const AppleReadings& readings);

}  // namespace qb::probes
