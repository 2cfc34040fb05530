#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

#include "measurement/probes/limits.h"

using namespace qb;

namespace {

// The exit code of `body`, run in a process of its own.
template <typename Body>
int exit_code_of(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool can_allocate(size_t size_bytes) {
  void* block = std::malloc(size_bytes);
  std::free(block);
  return block != nullptr;
}

// How many of `wanted` children could be started.
int start_children(int wanted) {
  std::vector<pid_t> children;
  for (int i = 0; i < wanted; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    if (child > 0) children.push_back(child);
  }
  for (const pid_t child : children) ::kill(child, SIGKILL);
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  return static_cast<int>(children.size());
}

}  // namespace

TEST_CASE("beyond its limit of memory a process gets none, and before it does") {
  if (std::getenv("QB_EMULATED")) {
    MESSAGE("not run here: the limit of memory would be the emulator's");
    return;
  }
  constexpr size_t large_bytes = 512u << 20;
  CHECK(exit_code_of([&] { return can_allocate(large_bytes) ? 0 : 1; }) == 0);
  const int code = exit_code_of([&] {
    if (!probes::limit_this_process({.memory_bytes_max = 256 << 20}).empty()) return 2;
    if (!can_allocate(32u << 20)) return 3;
    return can_allocate(large_bytes) ? 4 : 0;
  });
  if (std::getenv("QB_SANITIZED") && code == 2) {
    MESSAGE("not run here: a process with a sanitizer can't be limited");
    return;
  }
  CHECK(code == 0);
}

TEST_CASE("a process that starts too many others is stopped at its limit; root is told it isn't") {
  const int code = exit_code_of([] {
    const bool is_root = ::geteuid() == 0;
    if (is_root &&
        probes::limit_this_process({.process_count_max = 1000}).find("root") == std::string::npos)
      return 101;
    // An ordinary user that hardly anything else runs as.
    if (is_root && ::setuid(65531) != 0) return 102;
    if (!probes::limit_this_process({.process_count_max = 5}).empty()) return 103;
    return start_children(50);
  });
  CHECK(code >= 1);
  CHECK(code <= 10);
}
