// A child process with a pipe for its events.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace qb::runner {

inline constexpr int events_descriptor = 3;  // in the child

class ChildProcess {
 public:
  // Standard output and error go to `log`; the child's descriptor 3 is the pipe. `environment`
  // ("NAME=value") replaces and adds to what this process has.
  static Result<ChildProcess> start(const std::vector<std::string>& command,
                                    const std::filesystem::path& log,
                                    const std::vector<std::string>& environment = {});
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ~ChildProcess();  // kills and reaps what is left

  pid_t id() const { return process_; }  // -1 once it is reaped
  int events() const { return events_; }
  // Kills the process group, the children of the child included.
  void kill_group();
  // The child's status as waitpid gives it, once it has ended. It is not reaped yet.
  std::optional<int> poll_end();
  // Waits up to `limit_ns` for its end, asleep but for a look every 20 ms.
  std::optional<int> wait_for(int64_t limit_ns);
  // Kills the group, then reaps the child.
  int kill_and_wait();

 private:
  ChildProcess(pid_t process, int events) : process_(process), events_(events) {}
  pid_t process_ = -1;
  int events_ = -1;
  std::optional<int> status_;
};

}  // namespace qb::runner
