#include "measurement/wire/serve.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>

#include "base/file.h"
#include "base/number.h"
#include "base/processor.h"
#include "measurement/probes/allowance.h"
#include "measurement/probes/limits.h"
#include "measurement/probes/process.h"
#include "measurement/probes/process_info.h"
#include "measurement/probes/scheduling.h"
#include "measurement/wire/reason.h"

namespace qb::wire {
namespace {

constexpr int64_t process_count_max = 1000;  // of a worker that describes itself

void write_line(int descriptor, std::string_view line) {
  while (!line.empty()) {
    const ssize_t count = ::write(descriptor, line.data(), line.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // nobody listens any more
    line.remove_prefix(static_cast<size_t>(count));
  }
}

Outcome outcome_of(Errc code) {
  switch (code) {
    case Errc::unsupported:
      return Outcome::unsupported;
    case Errc::unavailable:
      return Outcome::unavailable;
    case Errc::out_of_memory:
      return Outcome::out_of_memory;
    default:
      return Outcome::failed;
  }
}

// Frameworks throw: this is the edge where that ends.
Finished run_file_of(const std::string& request_path,
                     const std::function<Result<void>(const Request&, const Send&)>& run,
                     const Send& send) {
  const auto run_file = [&]() -> Result<void> {
    QB_TRY(const std::string text, read_file(request_path));
    QB_TRY(const Json json, with_context(parse_json(text), request_path));
    QB_TRY(const Request request, with_context(request_from_json(json), request_path));
    const std::string not_limited = probes::limit_this_process(
        {request.limits.memory_bytes_max, request.limits.process_count_max});
    if (!not_limited.empty()) send(Fact{"limits_not_kept", not_limited});
    return run(request, send);
  };
  try {
    const Result<void> done = run_file();
    if (done) return {};
    return {outcome_of(done.error().code), first_line(done.error().message)};
  } catch (const std::bad_alloc&) {
    return {Outcome::out_of_memory, "an allocation failed"};
  } catch (const std::exception& error) {
    return {Outcome::failed, first_line(error.what())};
  }
}

}  // namespace

int serve(std::span<char*> arguments, std::string_view usage, const Duties& duties) {
  const auto is = [&](size_t i, std::string_view text) {
    return i < arguments.size() && arguments[i] == text;
  };
  if (const auto fits = check_processor(); !fits) {
    std::fprintf(stderr, "%s\n", fits.error().message.c_str());
    return 2;
  }
  const bool describes = is(1, "--describe") && arguments.size() == 2;
  if (describes || (is(1, "--check") && arguments.size() == 3 && duties.check)) {
    // Not told by anybody: the machine's memory, and what a suite allows without a word.
    (void)probes::limit_this_process({probes::usable_memory_bytes(), process_count_max});
    const Json told = describes ? duties.describe() : duties.check(arguments[2]);
    write_line(STDOUT_FILENO, dump_json(told) + "\n");
    return 0;
  }
  int descriptor = STDOUT_FILENO;
  const bool has_descriptor = arguments.size() == 5 && is(3, "--events-fd");
  if (!is(1, "--run") || (arguments.size() != 3 && !has_descriptor)) {
    std::fwrite(usage.data(), 1, usage.size(), stderr);
    return 2;
  }
  if (has_descriptor) {
    descriptor = parse_number<int>(arguments[4]).value_or(-1);
    if (::fcntl(descriptor, F_GETFD) == -1) {
      std::fprintf(stderr, "--events-fd %s is no open descriptor\n", arguments[4]);
      return 2;
    }
    probes::die_with_parent(descriptor);
  }
  ::signal(SIGPIPE, SIG_IGN);
  const Send send = [descriptor](const Event& event) { write_line(descriptor, to_line(event)); };
  probes::hold_activity();
  if (const std::string scheduled_as = probes::ask_for_fast_cores(); !scheduled_as.empty())
    send(Fact{"scheduling_class", scheduled_as});
  const Finished finished = run_file_of(arguments[2], duties.run, send);
  send(finished);
  return finished.outcome == Outcome::ok ? 0 : 1;
}

}  // namespace qb::wire
