// Checked by compiling for macOS; never run.
#include <IOKit/IOKitLib.h>
#include <sys/sysctl.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "measurement/probes/allowance.h"
#include "measurement/probes/apple_machine.h"
#include "measurement/probes/host.h"

namespace qb::probes {
namespace {

std::string text_of(const char* name) {
  size_t length = 0;
  if (::sysctlbyname(name, nullptr, &length, nullptr, 0) != 0 || length == 0) return {};
  std::string text(length, '\0');
  if (::sysctlbyname(name, text.data(), &length, nullptr, 0) != 0) return {};
  return text.c_str();
}

// Values have 4 or 8 bytes; the lower ones come first.
std::optional<int64_t> number_of(const char* name) {
  int64_t value = 0;
  size_t length = sizeof value;
  if (::sysctlbyname(name, &value, &length, nullptr, 0) != 0) return std::nullopt;
  return value;
}

// Of the GPU's entry in the I/O registry.
std::optional<int64_t> gpu_core_count() {
  const io_service_t gpu =
      ::IOServiceGetMatchingService(MACH_PORT_NULL, ::IOServiceMatching("AGXAccelerator"));
  if (gpu == 0) return std::nullopt;
  const CFTypeRef property =
      ::IORegistryEntryCreateCFProperty(gpu, CFSTR("gpu-core-count"), kCFAllocatorDefault, 0);
  ::IOObjectRelease(gpu);
  if (!property) return std::nullopt;
  int64_t count = 0;
  const bool is_number =
      ::CFGetTypeID(property) == ::CFNumberGetTypeID() &&
      ::CFNumberGetValue(static_cast<CFNumberRef>(property), kCFNumberSInt64Type, &count);
  ::CFRelease(property);
  return is_number ? std::optional(count) : std::nullopt;
}

// No call tells the power mode.
std::string power_settings() {
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen("/usr/bin/pmset -g 2>/dev/null", "r"),
                                                     ::pclose);
  std::string text;
  char line[256];
  while (output && std::fgets(line, sizeof line, output.get())) text += line;
  return text;
}

AppleReadings processor_readings() {
  AppleReadings readings;
  const auto read_number = [&](const std::string& name) {
    if (const auto value = number_of(name.c_str())) readings.numbers[name] = *value;
  };
  read_number("hw.physicalcpu");
  for (int64_t level = 0; level < number_of("hw.nperflevels").value_or(0); ++level) {
    const std::string prefix = "hw.perflevel" + std::to_string(level);
    read_number(prefix + ".physicalcpu");
    readings.texts[prefix + ".name"] = text_of((prefix + ".name").c_str());
  }
  return readings;
}

AppleReadings machine_readings() {
  AppleReadings readings = processor_readings();
  for (const char* name : {"machdep.cpu.brand_string", "hw.model", "hw.machine", "kern.osrelease",
                           "kern.osversion", "kern.osproductversion"})
    readings.texts[name] = text_of(name);
  for (const char* name :
       {"hw.logicalcpu", "hw.memsize", "kern.hv_vmm_present", "sysctl.proc_translated"})
    if (const auto value = number_of(name)) readings.numbers[name] = *value;
  if (const auto count = gpu_core_count()) readings.numbers["gpu-core-count"] = *count;
  readings.texts["pmset"] = power_settings();
  return readings;
}

}  // namespace

int64_t physical_core_count() {
  return number_of("hw.physicalcpu")
      .value_or(static_cast<int64_t>(std::thread::hardware_concurrency()));
}

int64_t core_count_of(const std::filesystem::path&, const std::set<int>&) { return 0; }

int64_t physical_memory_bytes() { return number_of("hw.memsize").value_or(0); }

int64_t last_level_cache_bytes() {
  if (const auto l2 = number_of("hw.perflevel0.l2cachesize"); l2 && *l2 > 0) return *l2;
  return number_of("hw.l3cachesize").value_or(-1);
}

int64_t default_thread_count() {
  const int64_t count = fast_core_count(processor_readings());
  return count > 0 ? count : physical_core_count();
}

Json describe_host() {
  Json host = describe_apple_machine(machine_readings());
  if (const int64_t bytes = last_level_cache_bytes(); bytes > 0)
    host.set("last_level_cache_bytes", bytes);
  const Json allowance = describe_allowance();
  for (const auto& [name, value] : allowance.as_object()) host.set(name, value);
  return host;
}

}  // namespace qb::probes
