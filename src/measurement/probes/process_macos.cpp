// Checked by compiling for macOS; never run on Linux.
#include <mach/mach.h>
#include <unistd.h>

#include "measurement/probes/process.h"

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

}  // namespace

std::optional<int64_t> resident_bytes() {
  const auto info = vm_info();
  if (!info) return std::nullopt;
  return static_cast<int64_t>(info->phys_footprint);
}

std::optional<int64_t> peak_resident_bytes() {
  const auto info = vm_info();
  if (!info) return std::nullopt;
  return info->ledger_phys_footprint_peak;
}

bool reset_peak_resident() { return false; }  // macOS keeps the peak of the whole life

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

void die_with_parent(int) {}  // macOS has no such request

}  // namespace qb::probes
