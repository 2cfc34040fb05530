#include "measurement/probes/apple_machine.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace qb::probes {
namespace {

std::string text_of(const AppleReadings& readings, std::string_view name) {
  const auto found = readings.texts.find(name);
  return found == readings.texts.end() ? std::string() : found->second;
}

std::optional<int64_t> number_of(const AppleReadings& readings, std::string_view name) {
  const auto found = readings.numbers.find(name);
  return found == readings.numbers.end() ? std::nullopt : std::optional(found->second);
}

struct CoreKind {
  std::string name;  // "performance", "efficiency"; since M5 also "super"
  int64_t count = 0;
};

// From the fastest on; empty where the system tells of no kinds, as on an Intel processor.
std::vector<CoreKind> core_kinds(const AppleReadings& readings) {
  std::vector<CoreKind> kinds;
  for (int level = 0; level < 8; ++level) {
    const auto count = number_of(readings, fmt::format("hw.perflevel{}.physicalcpu", level));
    if (!count || *count <= 0) break;
    std::string name = text_of(readings, fmt::format("hw.perflevel{}.name", level));
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.empty()) name = level == 0 ? "performance" : "efficiency";
    kinds.push_back({std::move(name), *count});
  }
  return kinds;
}

void add_number(const AppleReadings& readings, std::string_view name, std::string_view key,
                Json& machine) {
  if (const auto value = number_of(readings, name)) machine.set(key, *value);
}

void add_text(const AppleReadings& readings, std::string_view name, std::string_view key,
              Json& machine) {
  if (std::string text = text_of(readings, name); !text.empty()) machine.set(key, std::move(text));
}

bool is_virtual(const AppleReadings& readings) {
  return number_of(readings, "kern.hv_vmm_present").value_or(0) != 0;
}

// What a virtual machine has of its host's GPU, memory and Neural Engine isn't known to it.
void add_chip_row(const AppleReadings& readings, const AppleChip& chip, Json& machine) {
  if (chip.is_virtual || is_virtual(readings)) return;
  const AppleChipRow* row = find_apple_chip(chip.name, number_of(readings, "gpu-core-count"));
  if (!row) return;
  if (row->neural_engine_cores > 0) machine.set("neural_engine_cores", row->neural_engine_cores);
  machine.set("memory_bandwidth_bytes_per_s", row->memory_bandwidth_bytes_per_s)
      .set("memory_bandwidth_source", row->source);
}

void add_chip(const AppleReadings& readings, Json& machine) {
  std::optional<AppleChip> chip = parse_apple_chip(text_of(readings, "machdep.cpu.brand_string"));
  if (!chip) return;
  chip->is_virtual = chip->is_virtual || is_virtual(readings);
  machine.set("chip", chip->name).set("chip_generation", chip->generation);
  if (!chip->variant.empty()) machine.set("chip_variant", chip->variant);
  add_number(readings, "gpu-core-count", "gpu_cores", machine);
  add_chip_row(readings, *chip, machine);
  if (const auto found = neural_accelerators(*chip, text_of(readings, "kern.osproductversion")))
    machine.set("gpu_neural_accelerators", found->are_usable)
        .set("gpu_neural_accelerators_reason", found->reason);
}

}  // namespace

std::string power_mode_of(std::string_view pmset) {
  const auto value_of = [&](std::string_view name) -> char {
    for (size_t at = pmset.find(name); at != std::string_view::npos;
         at = pmset.find(name, at + 1)) {
      const bool is_word = at == 0 || std::isspace(static_cast<unsigned char>(pmset[at - 1])) != 0;
      const size_t value = pmset.find_first_not_of(" \t", at + name.size());
      if (is_word && value != std::string_view::npos && value > at + name.size())
        return pmset[value];
    }
    return 0;
  };
  switch (value_of("powermode")) {  // where there is a high power mode
    case '0':
      return "automatic";
    case '1':
      return "low";
    case '2':
      return "high";
    default:
      break;
  }
  const char low = value_of("lowpowermode");
  return low == '1' ? "low" : low == '0' ? "automatic" : "";
}

int64_t fast_core_count(const AppleReadings& readings) {
  const std::vector<CoreKind> kinds = core_kinds(readings);
  int64_t count = 0;
  for (const CoreKind& kind : kinds)
    if (kind.name != "efficiency") count += kind.count;
  return count > 0 ? count : number_of(readings, "hw.physicalcpu").value_or(0);
}

Json describe_apple_machine(const AppleReadings& readings) {
  Json machine = Json::object({});
  add_text(readings, "machdep.cpu.brand_string", "cpu", machine);
  add_text(readings, "hw.model", "model", machine);
  add_number(readings, "hw.physicalcpu", "physical_cores", machine);
  add_number(readings, "hw.logicalcpu", "logical_cores", machine);
  for (const CoreKind& kind : core_kinds(readings)) machine.set(kind.name + "_cores", kind.count);
  add_chip(readings, machine);
  add_number(readings, "hw.memsize", "memory_bytes", machine);
  if (const std::string version = text_of(readings, "kern.osproductversion"); !version.empty())
    machine.set("os", "macOS " + version);
  add_text(readings, "kern.osversion", "os_build", machine);
  add_text(readings, "kern.osrelease", "kernel", machine);
  add_text(readings, "hw.machine", "machine", machine);
  if (number_of(readings, "kern.hv_vmm_present")) machine.set("is_virtual", is_virtual(readings));
  if (number_of(readings, "sysctl.proc_translated").value_or(0) != 0)
    machine.set("is_translated", true);  // an x86-64 program on Apple's processor (Rosetta)
  if (const std::string mode = power_mode_of(text_of(readings, "pmset")); !mode.empty())
    machine.set("power_mode", mode);
  return machine;
}

}  // namespace qb::probes
