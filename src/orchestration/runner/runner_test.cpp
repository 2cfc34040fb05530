#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "measurement/probes/control_group.h"
#include "orchestration/runner/blas.h"
#include "orchestration/runner/launch.h"
#include "orchestration/runner/process.h"

using namespace qb;
using namespace qb::runner;
namespace fs = std::filesystem;

namespace {

// A launch of tests/fake_worker.sh, which behaves as its name says.
struct Stage {
  fs::path folder = fs::temp_directory_path() / fmt::format("qb_runner_{}", ::getpid());
  ~Stage() { fs::remove_all(folder); }

  Launch run(const char* behaviour, int64_t time_limit_ns = 20'000'000'000,
             const std::atomic<bool>* is_interrupted = nullptr,
             const std::function<void(std::string_view)>& on_phase = {}) const {
    ::setenv("QB_FAKE", behaviour, 1);
    ::setenv("QB_FAKE_FOLDER", folder.c_str(), 1);
    return run_launch({}, {.worker = QB_SOURCE_DIR "/tests/fake_worker.sh",
                           .log_folder = folder,
                           .name = "case",
                           .time_limit_ns = time_limit_ns,
                           .is_interrupted = is_interrupted,
                           .on_phase = on_phase});
  }

  // The child that the worker left, if it is gone within two seconds.
  bool grandchild_is_gone() const {
    std::ifstream file(folder / "grandchild");
    pid_t grandchild = 0;
    file >> grandchild;
    REQUIRE(grandchild > 0);
    for (int i = 0; i < 100; ++i) {
      // Gone, or a zombie that its new parent hasn't reaped yet.
      if (::kill(grandchild, 0) != 0 || state_of(grandchild) == "Z") return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  // "S", "Z", …; empty: there is no such process.
  static std::string state_of(pid_t process) {
    std::ifstream stat(fmt::format("/proc/{}/stat", process));
    std::string id, name, state;
    stat >> id >> name >> state;
    return state;
  }
};

}  // namespace

TEST_CASE("whatever a worker does becomes an outcome with its reason") {
  struct Row {
    const char* behaviour;
    Outcome outcome;
    std::string reason;
  };
  const Row rows[] = {
      {"ok", Outcome::ok, ""},
      {"unsupported", Outcome::unsupported, "no such kernel"},
      {"silent", Outcome::crashed, "exit code 0 without a result"},
      {"exit_3", Outcome::crashed, "exit code 3 without a result"},
      {"segfault", Outcome::crashed, "signal 11"},
      {"killed", Outcome::crashed, "signal 9"},
      {"garbage", Outcome::crashed, "\"hello\" where events belong"},
      {"orphan", Outcome::crashed, "signal 11"},
      {"ok_then_hang", Outcome::ok, ""},
      {"ok_then_crash", Outcome::ok, ""},
      {"no_memory", Outcome::out_of_memory, "an allocation failed: initialization"},
      {"out_of_memory", Outcome::out_of_memory, "an allocation failed"},
      {"half_a_line", Outcome::crashed, "without a result"},
      {"after_the_end", Outcome::ok, ""},
      {"endless", Outcome::crashed, "where events belong"},
  };
  const Stage stage;
  for (const Row& row : rows) {
    CAPTURE(row.behaviour);
    const Launch launch = stage.run(row.behaviour);
    CAPTURE(launch.reason);
    CHECK(name_of(launch.outcome) == name_of(row.outcome));
    CHECK(launch.reason.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("a worker gets this process's environment and what is added to or replaced in it") {
  const Stage stage;
  ::setenv("QB_FAKE_SETTING", "ours", 1);
  CHECK(stage.run("environment").facts["setting"].as_string() == "ours");
  ::setenv("QB_FAKE", "environment", 1);
  const Launch launch = run_launch({}, {.worker = QB_SOURCE_DIR "/tests/fake_worker.sh",
                                        .environment = {"QB_FAKE_SETTING=theirs"},
                                        .log_folder = stage.folder,
                                        .name = "case"});
  CHECK(launch.facts["setting"].as_string() == "theirs");
}

TEST_CASE("a choice of BLAS is parsed from its name") {
  for (const BlasChoice choice : {BlasChoice::fast, BlasChoice::as_shipped})
    CHECK(parse_blas_choice(name_of(choice)) == choice);
  CHECK_FALSE(parse_blas_choice("slow"));
}

TEST_CASE("samples and facts told before a crash are kept, and the last words too") {
  const Stage stage;
  const Launch launch = stage.run("crash_late");
  CHECK(launch.outcome == Outcome::crashed);
  REQUIRE(launch.samples.size() == 1);
  CHECK(launch.samples[0].duration_ns == std::vector<int64_t>{5, 6});
  CHECK(launch.facts["kernels"].as_int() == 7);
  CHECK(launch.stderr_tail.find("last words") != std::string::npos);
}

TEST_CASE(
    "a stream of events that breaks off at any byte is a crash, and what came whole is kept") {
  const Stage stage;
  constexpr size_t second_line_ends = 36 + 57;
  for (size_t bytes = 0;; ++bytes) {
    CAPTURE(bytes);
    ::setenv("QB_FAKE_BYTES", std::to_string(bytes).c_str(), 1);
    const Launch launch = stage.run("cut");
    CHECK(launch.samples.empty() == (bytes < second_line_ends));
    if (launch.outcome == Outcome::ok) {
      CHECK(launch.facts["settled"].as_bool());
      CHECK(bytes > second_line_ends + 90);
      break;
    }
    CHECK(name_of(launch.outcome) == name_of(Outcome::crashed));
    REQUIRE(bytes < 1000);
  }
}

TEST_CASE("a worker that hangs is killed with its children when time is up") {
  const Stage stage;
  const int64_t start = now_ns();
  const Launch launch = stage.run("hang", 1'000'000'000);
  CHECK(launch.outcome == Outcome::timed_out);
  CHECK(launch.reason == "the worker was killed after 1.00 s");
  CHECK(now_ns() - start < 10'000'000'000);
  CHECK(stage.grandchild_is_gone());
}

TEST_CASE("a worker that finishes at the moment of its time-out has finished") {
  const Stage stage;
  const Launch launch = stage.run("ok_late", 500'000'000, nullptr, [](std::string_view) {
    std::this_thread::sleep_for(std::chrono::milliseconds(900));  // the time is up meanwhile
  });
  CHECK(name_of(launch.outcome) == name_of(Outcome::ok));
}

TEST_CASE("a worker that ended is not reaped before its group is killed, which has its number") {
  const Stage stage;
  fs::create_directories(stage.folder);
  ::setenv("QB_FAKE", "orphan_of_ok", 1);
  ::setenv("QB_FAKE_FOLDER", stage.folder.c_str(), 1);
  auto child = ChildProcess::start({QB_SOURCE_DIR "/tests/fake_worker.sh"}, stage.folder / "log");
  REQUIRE(child);
  const std::optional<int> status = child->wait_for(10'000'000'000);
  REQUIRE(status);
  CHECK(WIFEXITED(*status));
  CHECK(WEXITSTATUS(*status) == 0);
  CHECK(Stage::state_of(child->id()) == "Z");
  const pid_t process = child->id();
  CHECK(child->kill_and_wait() == *status);
  CHECK(Stage::state_of(process).empty());
  CHECK(stage.grandchild_is_gone());
}

TEST_CASE("the statuses of a child are those that waitpid would give") {
  const Stage stage;
  fs::create_directories(stage.folder);
  for (const char* behaviour : {"exit_3", "segfault", "killed"}) {
    CAPTURE(behaviour);
    ::setenv("QB_FAKE", behaviour, 1);
    auto child = ChildProcess::start({QB_SOURCE_DIR "/tests/fake_worker.sh"}, stage.folder / "log");
    REQUIRE(child);
    const std::optional<int> status = child->wait_for(10'000'000'000);
    REQUIRE(status);
    CHECK(*status == child->kill_and_wait());
  }
}

namespace {

// In a control group of 64 MB of memory: 0 when the worker's death is out_of_memory, by that
// group's own word; 77 when no group may be made.
int run_in_small_group(const Stage& stage, const fs::path& group, bool is_v2) {
  const auto set = [&](const char* file, const std::string& value) {
    std::ofstream out(group / file);
    out << value << std::flush;
    return out.good();
  };
  if (!set(is_v2 ? "memory.max" : "memory.limit_in_bytes", "67108864") ||
      !set("cgroup.procs", std::to_string(::getpid())))
    return 77;
  if (stage.run("talkative").stderr_tail.find("last words") == std::string::npos) return 4;
  const Launch launch = stage.run("out_of_group");
  if (launch.outcome != Outcome::out_of_memory) return 1;
  return launch.reason.find("control group") == std::string::npos ? 2 : 0;
}

}  // namespace

TEST_CASE("a worker that its control group's limit kills ran out of memory") {
  if (std::getenv("QB_SANITIZED")) {
    MESSAGE("not run here: programs with a sanitizer need more than the group's 64 MB");
    return;
  }
  const Stage stage;
  fs::create_directories(stage.folder);
  const probes::GroupFolders own = probes::group_folders("/", "memory");
  std::error_code error;
  const fs::path group = own.folders.empty()
                             ? fs::path()
                             : own.folders.front() / fmt::format("qb_runner_{}", ::getpid());
  int code = 77;
  if (!group.empty() && fs::create_directory(group, error)) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(run_in_small_group(stage, group, own.is_v2));
    int status = 0;
    ::waitpid(child, &status, 0);
    code = WIFEXITED(status) ? WEXITSTATUS(status) : 3;
    ::rmdir(group.c_str());
  }
  if (code == 77)
    MESSAGE("not run here: no control group of memory may be made");
  else
    CHECK(code == 0);
}

TEST_CASE("an interruption ends the launch at once") {
  const Stage stage;
  std::atomic<bool> is_interrupted = false;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    is_interrupted = true;
  });
  const Launch launch = stage.run("hang", 60'000'000'000, &is_interrupted);
  later.join();
  CHECK(launch.reason == "interrupted");
}

TEST_CASE("a worker that isn't there is unavailable") {
  if (std::getenv("QB_EMULATED")) {
    MESSAGE("not run here: under the emulator a missing program is only seen in the child");
    return;
  }
  const Stage stage;
  const Launch launch =
      run_launch({}, {.worker = "/nowhere/worker", .log_folder = stage.folder, .name = "x"});
  CHECK(launch.outcome == Outcome::unavailable);
  CHECK(launch.reason.find("/nowhere/worker") != std::string::npos);
}
