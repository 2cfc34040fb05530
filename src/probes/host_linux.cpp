#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "probes/host.h"

namespace qb::probes {
namespace {

std::string first_line(const std::string& path) {
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

void set_if_told(Json& host, std::string_view key, const std::string& value) {
  if (!value.empty()) host.set(key, value);
}

}  // namespace

int64_t physical_core_count() {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> cores;
  std::string package;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("physical id")) package = line;
    if (line.starts_with("core id")) cores.insert(package + line);
  }
  const auto logical = static_cast<int64_t>(std::thread::hardware_concurrency());
  return std::max<int64_t>(1, cores.empty() ? logical : static_cast<int64_t>(cores.size()));
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

int64_t oom_kill_count() {
  const std::string value = value_of("/proc/vmstat", "oom_kill ", ' ');
  return value.empty() ? -1 : std::stoll(value);
}

Json describe_host() {
  Json host = Json::object({});
  set_if_told(host, "cpu", value_of("/proc/cpuinfo", "model name", ':'));
  host.set("physical_cores", physical_core_count());
  host.set("logical_cores", static_cast<int64_t>(std::thread::hardware_concurrency()));
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
  return host;
}

}  // namespace qb::probes
