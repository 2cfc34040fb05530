#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "runner/blas.h"
#include "runner/launch.h"

using namespace qb;
using namespace qb::runner;
namespace fs = std::filesystem;

namespace {

// A launch of tests/fake_worker.sh, which behaves as its name says.
struct Stage {
  fs::path folder = fs::temp_directory_path() / fmt::format("qb_runner_{}", ::getpid());
  ~Stage() { fs::remove_all(folder); }

  Launch run(const char* behaviour, int64_t time_limit_ns = 20'000'000'000,
             const std::atomic<bool>* is_interrupted = nullptr) const {
    ::setenv("QB_FAKE", behaviour, 1);
    ::setenv("QB_FAKE_FOLDER", folder.c_str(), 1);
    return run_launch({}, {.worker = QB_SOURCE_DIR "/tests/fake_worker.sh",
                           .log_folder = folder,
                           .name = "case",
                           .time_limit_ns = time_limit_ns,
                           .is_interrupted = is_interrupted});
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
  std::ifstream file(stage.folder / "grandchild");
  pid_t grandchild = 0;
  file >> grandchild;
  REQUIRE(grandchild > 0);
  bool is_gone = false;
  for (int i = 0; i < 100 && !is_gone; ++i) {
    // Gone, or a zombie that its new parent hasn't reaped yet.
    std::ifstream stat(fmt::format("/proc/{}/stat", grandchild));
    std::string id, name, state;
    stat >> id >> name >> state;
    is_gone = ::kill(grandchild, 0) != 0 || state == "Z";
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(is_gone);
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
  const Stage stage;
  const Launch launch =
      run_launch({}, {.worker = "/nowhere/worker", .log_folder = stage.folder, .name = "x"});
  CHECK(launch.outcome == Outcome::unavailable);
  CHECK(launch.reason.find("/nowhere/worker") != std::string::npos);
}
