#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include "probes/process.h"

namespace qb::probes {
namespace {

// "VmHWM:   1234 kB" of /proc/self/status, in bytes.
std::optional<int64_t> status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1)) * 1024;
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> resident_bytes() { return status_bytes("VmRSS"); }
std::optional<int64_t> peak_resident_bytes() { return status_bytes("VmHWM"); }

bool reset_peak_resident() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;  // proc(5): resets the peak resident set size
  return file.good();
}

ResidentParts resident_parts() { return {status_bytes("RssAnon"), status_bytes("RssFile")}; }

// smaps(5): a line for each mapping, "start-end perms offset device inode path", and its figures
// below it.
std::optional<int64_t> resident_bytes_of_files(const std::filesystem::path& folder) {
  std::ifstream maps("/proc/self/smaps");
  if (!maps) return std::nullopt;
  std::error_code error;
  const std::string prefix = std::filesystem::canonical(folder, error).string() + "/";
  int64_t total_bytes = 0;
  bool is_ours = false;
  for (std::string line; std::getline(maps, line);) {
    if (const size_t path = line.find(" /"); path != std::string::npos)
      is_ours = line.compare(path + 1, prefix.size(), prefix) == 0;
    else if (line.find('-') < line.find(' '))
      is_ours = false;  // a mapping of no file
    if (is_ours && line.starts_with("Rss:")) total_bytes += std::stoll(line.substr(4)) * 1024;
  }
  return total_bytes;
}

SystemUsage system_usage() {
  enum { user, nice, system, idle, iowait, irq, softirq, steal, field_count };
  std::ifstream stat("/proc/stat");
  std::string cpu;
  int64_t ticks[field_count] = {};
  stat >> cpu;
  for (int64_t& value : ticks) stat >> value;
  if (!stat || cpu != "cpu") return {};
  const int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  return {ticks[steal] * tick_ns,
          (ticks[user] + ticks[nice] + ticks[system] + ticks[irq] + ticks[softirq]) * tick_ns};
}

void die_with_parent() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace qb::probes
