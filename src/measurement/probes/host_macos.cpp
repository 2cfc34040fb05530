// Checked by compiling for macOS; never run on Linux.
#include <sys/sysctl.h>

#include <string>
#include <thread>

#include "measurement/probes/allowance.h"
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

int64_t number_of(const char* name, int64_t otherwise) {
  int64_t value = 0;
  size_t length = sizeof value;
  return ::sysctlbyname(name, &value, &length, nullptr, 0) == 0 ? value : otherwise;
}

void set_if_told(Json& host, std::string_view key, const std::string& value) {
  if (!value.empty()) host.set(key, value);
}

}  // namespace

int64_t physical_core_count() {
  return number_of("hw.physicalcpu", static_cast<int64_t>(std::thread::hardware_concurrency()));
}

int64_t core_count_of(const std::filesystem::path&, const std::set<int>&) { return 0; }

int64_t physical_memory_bytes() { return number_of("hw.memsize", 0); }

int64_t last_level_cache_bytes() {
  const int64_t performance_l2 = number_of("hw.perflevel0.l2cachesize", -1);
  return performance_l2 > 0 ? performance_l2 : number_of("hw.l3cachesize", -1);
}

Json describe_host() {
  Json host = Json::object({});
  set_if_told(host, "cpu", text_of("machdep.cpu.brand_string"));
  host.set("physical_cores", physical_core_count());
  host.set("logical_cores", static_cast<int64_t>(std::thread::hardware_concurrency()));
  if (const int64_t p = number_of("hw.perflevel0.physicalcpu", -1); p > 0)
    host.set("performance_cores", p);
  if (const int64_t e = number_of("hw.perflevel1.physicalcpu", -1); e > 0)
    host.set("efficiency_cores", e);
  if (const int64_t memory = physical_memory_bytes(); memory > 0) host.set("memory_bytes", memory);
  set_if_told(host, "os", "macOS " + text_of("kern.osproductversion"));
  set_if_told(host, "kernel", text_of("kern.osrelease"));
  set_if_told(host, "machine", text_of("hw.machine"));
  const Json allowance = describe_allowance();
  for (const auto& [name, value] : allowance.as_object()) host.set(name, value);
  return host;
}

}  // namespace qb::probes
