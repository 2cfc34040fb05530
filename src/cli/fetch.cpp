// `qbench fetch`: a hub's model into the cache of the hub's own tools.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "base/clock.h"
#include "base/printable.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/consent.h"
#include "cli/fetching.h"
#include "cli/interruption.h"
#include "cli/progress.h"
#include "network/hub/hub.h"

namespace qb::cli {
namespace {

std::string bytes_text(double count) { return format_quantity(count, "B"); }
std::string bytes_text(int64_t count) { return bytes_text(static_cast<double>(count)); }

std::string state_of(const hub::PlannedFile& planned) {
  if (planned.is_here) return "here";
  if (planned.missing_bytes == planned.file.size_bytes) return "";
  return fmt::format("{} missing", bytes_text(planned.missing_bytes));
}

// Standard output has the folder alone, for scripts: all else is for people.
void print_plan(const hub::Plan& plan, const hub::Settings& settings) {
  if (!plan.note.empty()) fmt::print(stderr, "{}: what is here is taken\n", printable(plan.note));
  fmt::print(stderr, "{} (commit {}) from {}\n", hub::text_of(plan.name), plan.commit.substr(0, 12),
             settings.endpoint);
  for (const hub::PlannedFile& planned : plan.files)
    fmt::print(stderr, "  {:>9}  {:<12} {}\n", bytes_text(planned.file.size_bytes),
               state_of(planned), printable(planned.file.path));
  fmt::print(stderr, "{} files, {}; {}\n", plan.files.size(), bytes_text(plan.total_bytes()),
             plan.is_here() ? "all is here"
                            : fmt::format("{} to fetch into {}", bytes_text(plan.missing_bytes()),
                                          settings.cache.string()));
}

std::string ask() {
  fmt::print(stderr, "Fetch? [y/N] ");
  std::array<char, 64> line = {};
  return std::fgets(line.data(), line.size(), stdin) ? line.data() : "";
}

Result<void> check_consent(const hub::Plan& plan, bool has_said_yes) {
  if (plan.is_here()) return {};
  switch (consent_of(has_said_yes, can_ask(), ask)) {
    case Consent::given:
      return {};
    case Consent::refused:
      return fail(Errc::bad_input, "{}: nothing was fetched", hub::text_of(plan.name));
    case Consent::unasked:
      break;
  }
  return fail(Errc::bad_input, "{}: {} to fetch: say --yes to fetch them", hub::text_of(plan.name),
              bytes_text(plan.missing_bytes()));
}

std::string text_of(const hub::Progress& progress) {
  if (progress.missing_bytes == 0) return printable(progress.what);
  return fmt::format("{} of {}, {}/s  {}", bytes_text(progress.done_bytes),
                     bytes_text(progress.missing_bytes), bytes_text(progress.bytes_per_s),
                     printable(progress.what));
}

}  // namespace

bool can_ask() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

Result<hub::Plan> fetch(const FetchOptions& options) {
  QB_TRY(const hub::RepositoryName name, hub::parse_name(options.name));
  QB_TRY(const hub::Settings settings, hub::settings_of(system_environment()));
  StatusLine status(options.quiet);
  hub::Observer observer;
  int64_t shown_ns = 0;
  observer.show = [&](const hub::Progress& progress) {
    if (now_ns() - shown_ns < 100'000'000) return;
    shown_ns = now_ns();
    status.show(text_of(progress));
  };
  observer.goes_on = [] { return !interruption(); };
  Result<hub::Plan> plan = hub::plan_of(settings, name, options.files, observer);
  status.finish();
  if (!plan) return plan;
  if (!options.quiet) print_plan(*plan, settings);
  QB_CHECK(hub::check_room(settings, *plan));
  QB_CHECK(check_consent(*plan, options.yes));
  observer.on_file = [&](const hub::RemoteFile& file) {
    status.finish();
    if (!options.quiet)
      fmt::print(stderr, "fetched {} ({})\n", printable(file.path), bytes_text(file.size_bytes));
  };
  const Result<void> done = hub::fetch(settings, *plan, observer);
  status.finish();
  if (!done) return tl::unexpected(done.error());
  return plan;
}

int fetch_model(const FetchOptions& options) {
  watch_interruption();
  const Result<hub::Plan> plan = fetch(options);
  if (!plan) return refuse(plan.error().message, interruption() ? exit_interrupted : exit_usage);
  fmt::print("{}\n", plan->folder.string());
  return exit_ok;
}

}  // namespace qb::cli
