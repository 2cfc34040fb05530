#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "measurement/probes/allowance.h"
#include "measurement/probes/host.h"

namespace qb::probes {
namespace {

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The value of "key : value" or key="value" in a file of such lines.
std::string value_of(const std::string& path, const std::string& key, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t at = line.find(separator);
    if (at == std::string::npos) continue;
    const size_t start = line.find_first_not_of(" \t\"", at + 1);
    if (start == std::string::npos) continue;
    return line.substr(start, line.find_last_not_of(" \t\"") - start + 1);
  }
  return {};
}

// "0-7,12" of a file of processors.
std::set<int> cpus_of(const std::filesystem::path& file) {
  std::set<int> cpus;
  std::istringstream ranges(first_line(file));
  for (std::string range; std::getline(ranges, range, ',');) {
    int first = 0;
    int last = 0;
    const int count = std::sscanf(range.c_str(), "%d-%d", &first, &last);
    for (int cpu = first; count > 0 && cpu <= (count == 2 ? last : first); ++cpu) cpus.insert(cpu);
  }
  return cpus;
}

// Of a hybrid processor.
void add_core_kinds(Json& host) {
  const auto add = [&](const char* key, const std::set<int>& cpus) {
    if (!cpus.empty()) host.set(key, core_count_of("/proc/cpuinfo", cpus));
  };
  add("performance_cores", performance_cpus("/"));
  add("efficiency_cores", efficiency_cpus("/"));
}

void set_if_told(Json& host, std::string_view key, const std::string& value) {
  if (!value.empty()) host.set(key, value);
}

}  // namespace

int64_t core_count_of(const std::filesystem::path& cpuinfo, const std::set<int>& cpus) {
  std::ifstream file(cpuinfo);
  std::set<std::string> cores;
  std::string processor;
  std::string package;
  std::string core;
  const auto add = [&] {
    if (!processor.empty() && (cpus.empty() || cpus.contains(static_cast<int>(
                                                   std::strtol(processor.c_str(), nullptr, 10)))))
      cores.insert(core.empty() ? "processor " + processor : package + "/" + core);
    processor = package = core = {};
  };
  for (std::string line; std::getline(file, line);) {
    const std::string value = line.substr(std::min(line.size(), line.find(':') + 1));
    if (line.starts_with("processor")) {
      add();
      processor = value;
    }
    if (line.starts_with("physical id")) package = value;
    if (line.starts_with("core id")) core = value;
  }
  add();
  return static_cast<int64_t>(cores.size());
}

// The kernel has a device for each kind of core; one that isn't hybrid is the device "cpu".
std::set<int> performance_cpus(const std::filesystem::path& root) {
  return cpus_of(root / "sys/devices/cpu_core/cpus");
}
std::set<int> efficiency_cpus(const std::filesystem::path& root) {
  return cpus_of(root / "sys/devices/cpu_atom/cpus");
}

int64_t physical_core_count() {
  const int64_t count = core_count_of("/proc/cpuinfo", {});
  return std::max<int64_t>(1, count > 0 ? count : ::sysconf(_SC_NPROCESSORS_ONLN));
}

int64_t physical_memory_bytes() {
  const std::string memory = value_of("/proc/meminfo", "MemTotal", ':');
  return memory.empty() ? 0 : std::stoll(memory) * 1024;
}

// "491520K"
int64_t last_level_cache_bytes() {
  for (const char* index : {"index3", "index2"}) {
    const std::string text =
        first_line(fmt::format("/sys/devices/system/cpu/cpu0/cache/{}/size", index));
    if (!text.empty() && text.back() == 'K') return std::stoll(text) * 1024;
    if (!text.empty() && text.back() == 'M') return std::stoll(text) * 1024 * 1024;
  }
  return -1;
}

Json describe_host() {
  Json host = Json::object({});
  set_if_told(host, "cpu", value_of("/proc/cpuinfo", "model name", ':'));
  host.set("physical_cores", physical_core_count());
  host.set("logical_cores", ::sysconf(_SC_NPROCESSORS_ONLN));
  add_core_kinds(host);
  if (const int64_t memory = physical_memory_bytes(); memory > 0) host.set("memory_bytes", memory);
  set_if_told(host, "os", value_of("/etc/os-release", "PRETTY_NAME", '='));
  utsname name = {};
  if (::uname(&name) == 0) {
    set_if_told(host, "kernel", name.release);
    set_if_told(host, "machine", name.machine);
  }
  set_if_told(host, "governor",
              first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
  if (const int64_t bytes = last_level_cache_bytes(); bytes > 0)
    host.set("last_level_cache_bytes", bytes);
  const std::string flags = value_of("/proc/cpuinfo", "flags", ':');
  if (!flags.empty()) host.set("is_virtual", flags.find("hypervisor") != std::string::npos);
  const Json allowance = describe_allowance();
  for (const auto& [name, value] : allowance.as_object()) host.set(name, value);
  return host;
}

}  // namespace qb::probes
