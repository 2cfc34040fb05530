#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>

#include "measurement/probes/allowance.h"
#include "measurement/probes/process.h"

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

SystemUsage system_usage() { return system_usage("/proc/stat", allowed_cpus()); }

// proc_stat(5): a line for each processor, "cpu3 user nice system …" in ticks, after their sum.
SystemUsage system_usage(const std::filesystem::path& stat, const std::set<int>& cpus) {
  enum { user, nice, system, idle, iowait, irq, softirq, steal, field_count };
  std::ifstream file(stat);
  int64_t steal_ticks = 0;
  int64_t busy_ticks = 0;
  bool is_told = false;
  for (std::string line; std::getline(file, line) && line.starts_with("cpu");) {
    std::istringstream words(line);
    std::string name;
    int64_t ticks[field_count] = {};
    words >> name;
    for (int64_t& value : ticks) words >> value;
    const bool is_sum = name == "cpu";
    if (!words || (cpus.empty() ? !is_sum : is_sum || !cpus.contains(std::stoi(name.substr(3)))))
      continue;
    is_told = true;
    steal_ticks += ticks[steal];
    busy_ticks += ticks[user] + ticks[nice] + ticks[system] + ticks[irq] + ticks[softirq];
  }
  if (!is_told) return {};
  const int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  return {steal_ticks * tick_ns, busy_ticks * tick_ns};
}

void die_with_parent(int events) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd pipe = {.fd = events, .events = 0, .revents = 0};
  if (::poll(&pipe, 1, 0) > 0 && (pipe.revents & POLLERR) != 0) ::raise(SIGKILL);
}

}  // namespace qb::probes
