#include "orchestration/runner/launch.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/clock.h"
#include "base/file.h"
#include "base/file_name.h"
#include "base/units.h"
#include "measurement/probes/allowance.h"
#include "measurement/wire/event.h"
#include "orchestration/runner/process.h"

namespace qb::runner {
namespace {

constexpr size_t line_bytes_max = 64u << 20;
constexpr int64_t tail_bytes = 2000;
constexpr int64_t teardown_ns = 10'000'000'000;  // for a worker to end after its result
constexpr int wake_ms = 250;  // how soon Ctrl-C is noticed should the signal not wake poll()

// Cuts a stream of bytes into events and gathers what they say.
class Collector {
 public:
  Collector(Launch& launch, const LaunchOptions& options) : launch_(launch), options_(options) {}

  // False when the bytes are no events; the outcome is then set.
  bool add(std::string_view bytes) {
    size_t searched = pending_.size();  // no line ends before
    pending_ += bytes;
    size_t start = 0;
    for (size_t end; (end = pending_.find('\n', searched)) != std::string::npos;) {
      if (!add_line(std::string_view(pending_).substr(start, end - start))) return false;
      searched = start = end + 1;
    }
    pending_.erase(0, start);
    if (pending_.size() > line_bytes_max) return refuse("a line without end");
    return true;
  }
  bool is_finished() const { return is_finished_; }

 private:
  bool refuse(std::string_view what) {
    launch_.outcome = Outcome::crashed;
    launch_.reason = fmt::format("the worker wrote {} where events belong", what);
    return false;
  }
  bool add_line(std::string_view line) {
    if (is_finished_) return true;  // the result is complete
    Result<wire::Event> event = wire::parse_event(line);
    if (!event) return refuse(fmt::format("\"{}\"", line.substr(0, 60)));
    std::visit([this](auto& e) { apply(e); }, *event);
    return true;
  }
  void apply(wire::PhaseStarted& event) {
    if (options_.on_phase) options_.on_phase(event.phase);
  }
  void apply(SampleSeries& event) { launch_.samples.push_back(std::move(event)); }
  void apply(wire::Fact& event) { launch_.facts.set(event.name, std::move(event.value)); }
  void apply(wire::Finished& event) {
    launch_.outcome = event.outcome;
    launch_.reason = std::move(event.reason);
    is_finished_ = true;
  }

  Launch& launch_;
  const LaunchOptions& options_;
  std::string pending_;
  bool is_finished_ = false;
};

enum class End { finished, pipe_closed, garbage, timed_out, interrupted };

enum class Bytes { none, some, closed, refused };

// Waits up to `wait_ms` for what the worker writes, and gathers it.
Bytes take_bytes(const ChildProcess& child, Collector& collector, int wait_ms) {
  pollfd descriptor = {.fd = child.events(), .events = POLLIN, .revents = 0};
  if (::poll(&descriptor, 1, wait_ms) <= 0) return Bytes::none;
  std::array<char, 1 << 16> buffer;
  const ssize_t count = ::read(child.events(), buffer.data(), buffer.size());
  if (count < 0 && errno == EINTR) return Bytes::none;
  if (count <= 0) return Bytes::closed;
  return collector.add({buffer.data(), static_cast<size_t>(count)}) ? Bytes::some : Bytes::refused;
}

// Sleeps until the worker says it has finished, the pipe closes or the worker dies (a child of it
// may hold the pipe open), time is up or the user interrupts.
End follow(ChildProcess& child, Collector& collector, const LaunchOptions& options) {
  const int64_t deadline = now_ns() + options.time_limit_ns;
  while (true) {
    if (options.is_interrupted && *options.is_interrupted) return End::interrupted;
    const int64_t left_ms = (deadline - now_ns()) / 1'000'000;
    if (left_ms <= 0) return End::timed_out;
    const auto wait_ms = static_cast<int>(std::min<int64_t>(left_ms, wake_ms));
    const Bytes bytes = take_bytes(child, collector, wait_ms);
    if (bytes == Bytes::refused) return End::garbage;
    if (collector.is_finished()) return End::finished;
    if (bytes == Bytes::closed || (bytes == Bytes::none && child.poll_end()))
      return End::pipe_closed;
  }
}

// The last words of a killed worker may lie in the pipe: one that finished as its time ended, or
// between a look at the pipe and one at the process, has finished.
End take_last_words(const ChildProcess& child, Collector& collector, End end) {
  if (end != End::pipe_closed && end != End::timed_out) return end;
  Bytes bytes = Bytes::some;
  while (bytes == Bytes::some && !collector.is_finished()) bytes = take_bytes(child, collector, 0);
  if (bytes == Bytes::refused) return End::garbage;
  return collector.is_finished() ? End::finished : end;
}

// What became of a worker that didn't say so itself.
void explain_death(int status, const probes::OomKills& before, Launch& launch) {
  launch.outcome = Outcome::crashed;
  if (!WIFSIGNALED(status)) {
    launch.reason =
        fmt::format("the worker ended with exit code {} without a result", WEXITSTATUS(status));
    return;
  }
  const int signal = WTERMSIG(status);
  const probes::OomKills now = probes::oom_kills();
  if (signal == SIGKILL && before.count >= 0 && now.is_of_group == before.is_of_group &&
      now.count > before.count) {
    launch.outcome = Outcome::out_of_memory;
    launch.reason = now.is_of_group
                        ? "the system killed the worker for lack of memory, says its control group"
                        : "the system killed a process for lack of memory, by the whole host's "
                          "count: the worker, or one of another program";
    return;
  }
  launch.reason =
      fmt::format("the worker was killed by signal {} ({})", signal, ::strsignal(signal));
}

// Everything was measured, so the outcome stands; how the framework went down is noted.
void note_teardown(std::optional<int> status, Launch& launch) {
  if (!status)
    launch.facts.set("teardown", "killed: the worker did not end by itself");
  else if (WIFSIGNALED(*status))
    launch.facts.set("teardown",
                     fmt::format("died of signal {} after its result", WTERMSIG(*status)));
}

// Not the whole of it: a framework may print more than fits into memory.
std::string tail_of(const std::filesystem::path& log) {
  std::ifstream file(log, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const auto size_bytes = static_cast<int64_t>(file.tellg());
  file.seekg(std::max<int64_t>(0, size_bytes - tail_bytes));
  return {std::istreambuf_iterator<char>(file), {}};
}

// Frameworks tell of a failed allocation in words only, in their error or their last ones.
bool tells_of_memory(const Launch& launch) {
  if (launch.outcome == Outcome::out_of_memory) return true;
  const bool is_crash = launch.outcome == Outcome::crashed;
  if (!is_crash && launch.outcome != Outcome::failed) return false;
  for (const char* words : {"bad_alloc", "annot allocate memory", "ailed to allocate memory",
                            "can't allocate memory", "ut of memory"})
    if (launch.reason.find(words) != std::string::npos ||
        (is_crash && launch.stderr_tail.find(words) != std::string::npos))
      return true;
  return false;
}

void explain_memory(const wire::Limits& limits, Launch& launch) {
  if (!tells_of_memory(launch)) return;
  if (launch.outcome != Outcome::out_of_memory)
    launch.reason = fmt::format("an allocation failed: {}", launch.reason);
  launch.outcome = Outcome::out_of_memory;
  if (limits.memory_bytes_max > 0)
    launch.reason +=
        fmt::format("; a worker may have {} (--memory-max)",
                    format_quantity(static_cast<double>(limits.memory_bytes_max), "B"));
}

void add_log_hint(const std::filesystem::path& log, Launch& launch) {
  if (!launch.stderr_tail.empty() && launch.outcome == Outcome::crashed)
    launch.reason += fmt::format("; its last words are in {}", log.string());
}

}  // namespace

Launch run_launch(const wire::Request& request, const LaunchOptions& options) {
  Launch launch = {.kind = request.is_quality ? "quality" : "speed"};
  const auto refuse = [&](Outcome outcome, std::string reason) {
    launch.outcome = outcome;
    launch.reason = std::move(reason);
    return launch;
  };
  const std::string name = file_name_of(options.name);
  const std::filesystem::path log = options.log_folder / (name + ".log");
  const std::filesystem::path request_file = options.log_folder / (name + ".request.json");
  std::error_code error;
  std::filesystem::create_directories(options.log_folder, error);
  if (const auto written =
          write_file_atomically(request_file, dump_json(wire::to_json(request), 1));
      !written)
    return refuse(Outcome::failed, written.error().message);
  const probes::OomKills oom_kills = probes::oom_kills();
  Result<ChildProcess> child =
      ChildProcess::start({options.worker.string(), "--run", request_file.string(), "--events-fd",
                           std::to_string(events_descriptor)},
                          log, options.environment);
  if (!child) return refuse(Outcome::unavailable, child.error().message);
  Collector collector(launch, options);
  End end = follow(*child, collector, options);
  const bool may_end = end == End::finished || end == End::pipe_closed;
  const std::optional<int> ended = may_end ? child->wait_for(teardown_ns) : std::nullopt;
  const int status = child->kill_and_wait();
  end = take_last_words(*child, collector, end);
  launch.stderr_tail = tail_of(log);
  if (end == End::timed_out)
    return refuse(Outcome::timed_out,
                  fmt::format("the worker was killed after {}",
                              format_quantity(static_cast<double>(options.time_limit_ns), "ns")));
  if (end == End::interrupted) return refuse(Outcome::failed, "interrupted");
  if (end == End::pipe_closed) explain_death(status, oom_kills, launch);
  if (end == End::finished) note_teardown(ended, launch);
  explain_memory(request.limits, launch);
  add_log_hint(log, launch);
  return launch;
}

}  // namespace qb::runner
