// A child process with a pipe for its events.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace qb::runner {

inline constexpr int events_descriptor = 3;  // in the child

class ChildProcess {
 public:
  // Standard output and error go to `log`; the child's descriptor 3 is the pipe.
  static Result<ChildProcess> start(const std::vector<std::string>& command,
                                    const std::filesystem::path& log);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ~ChildProcess();  // kills and reaps what is left

  int events() const { return events_; }
  // Kills the process group, the children of the child included.
  void kill_group();
  // Waits for the child's end; its status as waitpid gives it. Called once at most.
  int wait();

 private:
  ChildProcess(pid_t process, int events) : process_(process), events_(events) {}
  pid_t process_ = -1;
  int events_ = -1;
};

}  // namespace qb::runner
