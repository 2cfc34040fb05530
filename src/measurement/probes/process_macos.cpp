// Checked by compiling for macOS; never run.
#include <libproc.h>
#include <mach/mach.h>
#include <poll.h>
#include <sys/event.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "measurement/probes/process.h"

// Libproc has it, its header hasn't.
extern "C" int proc_reset_footprint_interval(pid_t process);

namespace qb::probes {
namespace {

std::optional<task_vm_info_data_t> vm_info() {
  task_vm_info_data_t info = {};
  mach_msg_type_number_t count = TASK_VM_INFO_COUNT;
  if (::task_info(mach_task_self(), TASK_VM_INFO, reinterpret_cast<task_info_t>(&info), &count) !=
      KERN_SUCCESS)
    return std::nullopt;
  return info;
}

bool is_peak_reset = false;

// Sleeps until that process has ended, then ends this one.
void die_with(pid_t parent) {
  const int queue = ::kqueue();
  struct kevent watched = {};
  EV_SET(&watched, static_cast<uintptr_t>(parent), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, nullptr);
  struct kevent happened = {};
  int count = 0;
  do {
    count = ::kevent(queue, &watched, 1, &happened, 1, nullptr);
  } while (count < 0 && errno == EINTR);
  const bool has_ended = count < 0 && errno == ESRCH;  // before it was watched
  const bool is_told = count == 1 && ((happened.flags & EV_ERROR) == 0 || happened.data == ESRCH);
  if (has_ended || is_told) ::raise(SIGKILL);
}

}  // namespace

std::optional<int64_t> resident_bytes() {
  const auto info = vm_info();
  if (!info) return std::nullopt;
  return static_cast<int64_t>(info->phys_footprint);
}

// The most since the last reset; without one, of the whole life.
std::optional<int64_t> peak_resident_bytes() {
  rusage_info_v4 usage = {};
  if (::proc_pid_rusage(::getpid(), RUSAGE_INFO_V4, reinterpret_cast<rusage_info_t*>(&usage)) != 0)
    return std::nullopt;
  const uint64_t peak =
      is_peak_reset ? usage.ri_interval_max_phys_footprint : usage.ri_lifetime_max_phys_footprint;
  return static_cast<int64_t>(peak);
}

bool reset_peak_resident() {
  is_peak_reset = ::proc_reset_footprint_interval(::getpid()) == 0;
  return is_peak_reset;
}

ResidentParts resident_parts() {
  const auto info = vm_info();
  if (!info) return {};
  return {static_cast<int64_t>(info->internal), static_cast<int64_t>(info->external)};
}
// Its footprint leaves out unchanged pages of files.
std::optional<int64_t> resident_bytes_of_files(const std::filesystem::path&) {
  return std::nullopt;
}

SystemUsage system_usage() {
  host_cpu_load_info_data_t info = {};
  mach_msg_type_number_t count = HOST_CPU_LOAD_INFO_COUNT;
  if (::host_statistics(mach_host_self(), HOST_CPU_LOAD_INFO, reinterpret_cast<host_info_t>(&info),
                        &count) != KERN_SUCCESS)
    return {};
  const int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  const int64_t busy = static_cast<int64_t>(info.cpu_ticks[CPU_STATE_USER]) +
                       info.cpu_ticks[CPU_STATE_SYSTEM] + info.cpu_ticks[CPU_STATE_NICE];
  return {std::nullopt, busy * tick_ns};
}

SystemUsage system_usage(const std::filesystem::path&, const std::set<int>&) {
  return system_usage();
}

void die_with_parent(int events) {
  std::thread(die_with, ::getppid()).detach();
  pollfd pipe = {.fd = events, .events = 0, .revents = 0};
  if (::poll(&pipe, 1, 0) > 0 && (pipe.revents & (POLLERR | POLLHUP)) != 0) ::raise(SIGKILL);
}

}  // namespace qb::probes
