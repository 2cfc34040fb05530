#include "orchestration/runner/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

#include "base/clock.h"

extern char** environ;

namespace qb::runner {
namespace {

// What the child's descriptors are and that it leads a process group.
struct SpawnSettings {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  SpawnSettings(int pipe_end, const std::string& log) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe_end, events_descriptor);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

// This process's variables but those that are replaced, then the additions; ends with null.
std::vector<char*> environment_with(const std::vector<std::string>& additions) {
  std::vector<char*> variables;
  for (char** own = environ; *own; ++own) {
    const std::string_view variable = *own;
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    const bool is_replaced = std::ranges::any_of(
        additions, [&](const std::string& addition) { return addition.starts_with(name); });
    if (!is_replaced) variables.push_back(*own);
  }
  for (const std::string& addition : additions)
    variables.push_back(const_cast<char*>(addition.c_str()));
  variables.push_back(nullptr);
  return variables;
}

// As waitpid would give it.
int status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return W_EXITCODE(info.si_status, 0);
  return info.si_code == CLD_DUMPED ? info.si_status | WCOREFLAG : info.si_status;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& command,
                                         const std::filesystem::path& log,
                                         const std::vector<std::string>& environment) {
  int pipe_ends[2];
  if (::pipe(pipe_ends) != 0) return fail(Errc::io, "no pipe: {}", std::strerror(errno));
  // Neither end may be descriptor 3 itself, or dup2 would keep its close-on-exec flag.
  const int write_end = ::fcntl(pipe_ends[1], F_DUPFD_CLOEXEC, 10);
  ::close(pipe_ends[1]);
  ::fcntl(pipe_ends[0], F_SETFD, FD_CLOEXEC);
  SpawnSettings settings(write_end, log.string());
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> variables = environment_with(environment);
  pid_t process = -1;
  const int error = ::posix_spawn(&process, arguments[0], &settings.actions, &settings.attributes,
                                  arguments.data(), variables.data());
  ::close(write_end);
  if (error != 0) {
    ::close(pipe_ends[0]);
    return fail(Errc::unavailable, "{} can't be started: {}", command[0], std::strerror(error));
  }
  return ChildProcess(process, pipe_ends[0]);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      events_(std::exchange(other.events_, -1)),
      status_(other.status_) {}

ChildProcess::~ChildProcess() {
  if (process_ > 0) kill_and_wait();
  if (events_ >= 0) ::close(events_);
}

void ChildProcess::kill_group() {
  if (process_ > 0) ::kill(-process_, SIGKILL);
}

// The child stays a zombie, so that its number, which is its group's too, isn't given to another
// process before the group is killed.
std::optional<int> ChildProcess::poll_end() {
  siginfo_t info = {};
  if (!status_ && process_ > 0 &&
      ::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == process_)
    status_ = status_of(info);
  return status_;
}

std::optional<int> ChildProcess::wait_for(int64_t limit_ns) {
  const int64_t deadline = now_ns() + limit_ns;
  while (!poll_end() && now_ns() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return status_;
}

int ChildProcess::kill_and_wait() {
  if (process_ <= 0) return status_.value_or(0);
  kill_group();  // grandchildren that outlived it too
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  status_ = status;
  return status;
}

}  // namespace qb::runner
