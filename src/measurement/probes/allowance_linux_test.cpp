#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/parallel.h"
#include "measurement/probes/allowance.h"
#include "measurement/probes/control_group.h"
#include "measurement/probes/host.h"
#include "measurement/probes/process.h"

using namespace qb;
using namespace qb::probes;
namespace fs = std::filesystem;

namespace {

// A folder in place of /, with files as a machine showed them.
struct Root {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_allowance_{}", ::getpid());
  ~Root() { fs::remove_all(path); }
  void write(const fs::path& file, std::string_view text) const {
    fs::create_directories((path / file).parent_path());
    std::ofstream(path / file) << text;
  }
  // Processors, two of each core.
  void write_processors(int count) const {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += fmt::format("processor\t: {}\nphysical id\t: 0\ncore id\t\t: {}\n\n", i, i / 2);
    write("proc/cpuinfo", text);
  }
};

// The exit code of `body`, run in a process of its own.
template <typename Body>
int exit_code_of(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

constexpr const char* v2_mounts =
    "24 1 0:21 / /sys rw - sysfs sysfs rw\n"
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* v1_mounts =
    "33 31 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro master:3 - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

}  // namespace

TEST_CASE("no control groups, no limits; a core with two processors is one") {
  const Root root;
  root.write_processors(8);
  CHECK_FALSE(group_limits(root.path).cpu_count);
  CHECK_FALSE(group_limits(root.path).memory_bytes);
  CHECK(usable_core_count(root.path, {}) == 4);
  CHECK(usable_core_count(root.path, {0, 1}) == 1);
  CHECK(usable_core_count(root.path, {1, 2, 5}) == 3);
  CHECK(oom_kills(root.path).count == -1);
  root.write("proc/cpuinfo", "processor\t: 0\n\nprocessor\t: 1\n\nprocessor\t: 2\n");  // ARM's
  CHECK(usable_core_count(root.path, {}) == 3);
  CHECK(usable_core_count(root.path, {0, 2}) == 2);
  fs::remove(root.path / "proc/cpuinfo");
  CHECK(usable_core_count(root.path, {0, 2, 3}) == 3);
}

TEST_CASE("by default a hybrid processor's efficiency cores get no threads") {
  const Root root;
  // Two performance cores of two processors each, four efficiency cores of one.
  std::string text;
  for (int i = 0; i < 8; ++i)
    text +=
        fmt::format("processor\t: {}\nphysical id\t: 0\ncore id\t\t: {}\n\n", i, i < 4 ? i / 2 : i);
  root.write("proc/cpuinfo", text);
  CHECK(default_thread_count(root.path, {}) == 6);  // no kinds are told
  root.write("sys/devices/cpu_core/cpus", "0-3\n");
  root.write("sys/devices/cpu_atom/cpus", "4-6,7\n");
  CHECK(efficiency_cpus(root.path) == std::set<int>{4, 5, 6, 7});
  CHECK(usable_core_count(root.path, {}) == 6);
  CHECK(default_thread_count(root.path, {}) == 2);
  CHECK(default_thread_count(root.path, {2, 3, 4, 5}) == 1);
  CHECK(default_thread_count(root.path, {5, 6}) == 2);  // efficiency cores are all it may use
}

TEST_CASE("v2: the least of the group's and its ancestors' limits holds") {
  const Root root;
  root.write_processors(64);
  root.write("proc/self/mountinfo", v2_mounts);
  root.write("proc/self/cgroup", "0::/system.slice/job.service\n");
  const fs::path top = "sys/fs/cgroup";
  root.write(top / "system.slice/job.service/cpu.max", "max 100000\n");
  root.write(top / "system.slice/job.service/memory.max", "8589934592\n");
  CHECK_FALSE(group_limits(root.path).cpu_count);
  CHECK(group_limits(root.path).memory_bytes == int64_t{8} << 30);
  CHECK(usable_core_count(root.path, {}) == 32);
  root.write(top / "system.slice/cpu.max", "250000 100000\n");
  root.write(top / "system.slice/memory.max", "1073741824\n");
  CHECK(group_limits(root.path).cpu_count == 2.5);
  CHECK(group_limits(root.path).memory_bytes == int64_t{1} << 30);
  CHECK(usable_core_count(root.path, {}) == 2);
  CHECK(usable_core_count(root.path, {0, 1}) == 1);
  root.write(top / "system.slice/job.service/cpu.max", "50000 100000\n");
  CHECK(usable_core_count(root.path, {}) == 1);  // never none
  root.write("proc/vmstat", "nr_free_pages 7\noom_kill 12\n");
  CHECK(oom_kills(root.path).count == 12);  // the host's
  CHECK_FALSE(oom_kills(root.path).is_of_group);
  root.write(top / "system.slice/job.service/memory.events", "low 0\nmax 5\noom 1\noom_kill 3\n");
  CHECK(oom_kills(root.path).count == 3);
  CHECK(oom_kills(root.path).is_of_group);
}

TEST_CASE("v1: a container sees its own group at the mount point, named from the host's root") {
  const Root root;
  root.write_processors(64);
  root.write("proc/self/mountinfo", v1_mounts);
  root.write("proc/self/cgroup",
             "9:memory:/docker/abc/inner\n3:cpu,cpuacct:/docker/abc/inner\n0::/docker/abc\n");
  const fs::path cpu = "sys/fs/cgroup/cpu,cpuacct";
  const fs::path memory = "sys/fs/cgroup/memory";
  root.write(cpu / "inner/cpu.cfs_quota_us", "-1\n");
  root.write(cpu / "inner/cpu.cfs_period_us", "100000\n");
  root.write(memory / "inner/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK_FALSE(group_limits(root.path).cpu_count);
  CHECK_FALSE(group_limits(root.path).memory_bytes);
  root.write(cpu / "cpu.cfs_quota_us", "200000\n");
  root.write(cpu / "cpu.cfs_period_us", "100000\n");
  root.write(memory / "memory.limit_in_bytes", "536870912\n");
  CHECK(group_limits(root.path).cpu_count == 2.0);
  CHECK(group_limits(root.path).memory_bytes == int64_t{512} << 20);
  CHECK(usable_core_count(root.path, {}) == 2);
  root.write(memory / "inner/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
  CHECK(oom_kills(root.path).count == 4);
  CHECK(oom_kills(root.path).is_of_group);
}

TEST_CASE("under taskset a process may use what it was given, and counts these processors only") {
  const std::set<int> cpus = allowed_cpus();
  REQUIRE_FALSE(cpus.empty());
  if (cpus.size() < 2) MESSAGE("this machine has one processor: little is tested here");
  const int code = exit_code_of([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(*cpus.rbegin(), &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) return 1;
    if (allowed_cpus() != std::set<int>{*cpus.rbegin()}) return 2;
    if (usable_core_count() != 1) return 3;
    if (available_threads() != 1) return 4;
    return describe_host()["usable_cores"].as_int() == 1 ? 0 : 5;
  });
  CHECK(code == 0);
  CHECK(describe_host()["physical_cores"].as_int() >= describe_host()["usable_cores"].as_int());
}

TEST_CASE("busy time is that of the processors a process may run on") {
  const Root root;
  root.write("stat",
             "cpu  60 0 0 9 0 0 0 6 0 0\ncpu0 10 0 0 3 0 0 0 1 0 0\ncpu1 20 0 0 3 0 0 0 2 0 0\n"
             "cpu12 30 0 0 3 0 0 0 3 0 0\nintr 5\n");
  const int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  CHECK(system_usage(root.path / "stat", {}).busy_time_ns == 60 * tick_ns);
  CHECK(system_usage(root.path / "stat", {1, 12}).busy_time_ns == 50 * tick_ns);
  CHECK(system_usage(root.path / "stat", {1, 12}).steal_time_ns == 5 * tick_ns);
  CHECK_FALSE(system_usage(root.path / "nothing", {0}).busy_time_ns);
}

namespace {

// A control group below this process's own, where it may make one.
struct Group {
  fs::path folder;
  bool is_v2 = false;

  explicit Group(std::string_view controller) {
    const GroupFolders own = group_folders("/", controller);
    if (own.folders.empty()) return;
    is_v2 = own.is_v2;
    folder = own.folders.front() / fmt::format("qb_test_{}", ::getpid());
    std::error_code error;
    if (!fs::create_directory(folder, error)) folder.clear();
  }
  ~Group() {
    if (!folder.empty()) ::rmdir(folder.c_str());
  }
  bool set(const char* file, std::string_view value) const {
    std::ofstream out(folder / file);
    out << value << std::flush;
    return out.good();
  }
  bool enter() const { return set("cgroup.procs", std::to_string(::getpid())); }
};

constexpr int not_allowed = 77;

}  // namespace

TEST_CASE("in a real control group its quota of processors is seen") {
  const Group group("cpu");
  const bool is_set =
      !group.folder.empty() && (group.is_v2 ? group.set("cpu.max", "100000 100000")
                                            : group.set("cpu.cfs_quota_us", "100000"));
  const int code = !is_set ? not_allowed : exit_code_of([&] {
    if (!group.enter()) return not_allowed;
    if (group_limits().cpu_count != 1.0) return 1;
    return usable_core_count() == 1 ? 0 : 2;
  });
  if (code == not_allowed)
    MESSAGE("not run here: no control group of processors may be made");
  else
    CHECK(code == 0);
}

TEST_CASE("in a real control group its limit of memory is seen, and a kill is counted there") {
  const Group group("memory");
  constexpr int64_t limit_bytes = 64 << 20;
  const bool is_set =
      !group.folder.empty() &&
      group.set(group.is_v2 ? "memory.max" : "memory.limit_in_bytes", std::to_string(limit_bytes));
  const int code = !is_set ? not_allowed : exit_code_of([&] {
    if (!group.enter()) return not_allowed;
    if (usable_memory_bytes() != limit_bytes) return 1;
    const OomKills before = oom_kills();
    if (!before.is_of_group) return 2;
    const int child = exit_code_of([] {
      constexpr size_t size_bytes = 256 << 20;
      auto* block = static_cast<volatile char*>(std::malloc(size_bytes));
      for (size_t i = 0; i < size_bytes; i += 4096) block[i] = 1;
      return 0;
    });
    if (child == 0) return not_allowed;  // swap took it
    return oom_kills().count > before.count ? 0 : 3;
  });
  if (code == not_allowed)
    MESSAGE("not run here: no control group of memory may be made");
  else
    CHECK(code == 0);
}

TEST_CASE("a process whose parent is gone before it could ask ends itself") {
  const auto code_of = [](bool is_read) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    if (!is_read) ::close(ends[0]);
    const int code = exit_code_of([&] {
      die_with_parent(ends[1]);
      return 5;
    });
    if (is_read) ::close(ends[0]);
    ::close(ends[1]);
    return code;
  };
  CHECK(code_of(true) == 5);
  CHECK(code_of(false) == 128 + SIGKILL);
}
