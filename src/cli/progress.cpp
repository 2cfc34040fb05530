#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/printable.h"
#include "base/units.h"
#include "results/analysis/table.h"
#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"

namespace qb::cli {
namespace {

// The figure that says most of a launch that just ended.
std::string figure_of(const Record& record, const Launch& launch) {
  if (launch.outcome != Outcome::ok)
    return fmt::format("{}: {}", name_of(launch.outcome), launch.reason);
  const std::string_view name =
      launch.kind == "quality" ? analysis::quality_metric(record) : metrics::speed_metric(record);
  const metrics::Metric* metric = metrics::find_metric(name);
  const Measurement* m = find_measurement(record, name);
  if (!m || !m->value) return "done";
  return fmt::format("{} {}", metric->label, format_quantity(*m->value, metric->unit));
}

// "40 s", "12 min", "2.5 h"
std::string rounded(int64_t duration_ns) {
  const double seconds = static_cast<double>(duration_ns) / 1e9;
  if (seconds < 100.0) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000.0) return fmt::format("{:.0f} min", seconds / 60.0);
  return fmt::format("{:.1f} h", seconds / 3600.0);
}

struct TerminalSize {
  size_t rows = 24;
  size_t columns = 80;
};
TerminalSize terminal_size() {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
    return {};
  return {size.ws_row, size.ws_col};
}

}  // namespace

Pace::Pace(const plan::Plan& plan, const spec::Protocol& protocol)
    : estimate_(plan, protocol), budget_ns_(protocol.budget_ns) {}

void Pace::begin_launch(size_t number, const Case&, std::string_view) {
  number_ = number - 1;
  launch_start_ns_ = now_ns();
  if (start_ns_ == 0) start_ns_ = launch_start_ns_;
}

void Pace::end_launch(const Record& record, const Launch& launch) {
  estimate_.note_launch(record.subject, launch.kind == "quality", now_ns() - launch_start_ns_);
  if (record.outcome != Outcome::ok) estimate_.note_end(record.subject);
  launch_start_ns_ = now_ns();  // of a repeat, if there is one
}

int64_t Pace::left_ns() const {
  const int64_t left_ns = estimate_.left_ns(number_);
  if (budget_ns_ <= 0) return left_ns;
  return std::clamp<int64_t>(budget_ns_ - (now_ns() - start_ns_), 0, left_ns);
}

Progress::Progress(bool is_quiet, const plan::Plan& plan, const spec::Protocol& protocol)
    : is_quiet_(is_quiet),
      is_terminal_(::isatty(STDERR_FILENO) == 1),
      pace_(plan, protocol),
      table_(plan) {}

void Progress::erase() {
  if (shown_line_count_ > 0) std::fprintf(stderr, "\x1b[%zuA\r\x1b[J", shown_line_count_);
  shown_line_count_ = 0;
}

void Progress::show() {
  if (is_quiet_ || !is_terminal_) return;
  const TerminalSize size = terminal_size();
  std::vector<std::string> lines = table_.render(size.rows > 4 ? size.rows - 3 : 1, size.columns);
  lines.push_back(headline_.substr(0, size.columns));
  erase();
  for (const std::string& line : lines) std::fprintf(stderr, "%s\n", printable(line).c_str());
  std::fflush(stderr);
  shown_line_count_ = lines.size();
}

void Progress::print(const std::string& line) {
  if (is_quiet_) return;
  erase();
  std::fprintf(stderr, "%s\n", printable(line).c_str());
}

void Progress::finish() {
  if (!is_quiet_ && is_terminal_) erase();
}

campaign::Observer Progress::observer() {
  campaign::Observer observer;
  observer.on_preparing = [this](std::string_view what) {
    headline_ = fmt::format("preparing {}", what);
    if (is_terminal_)
      show();
    else
      print(headline_);
  };
  observer.on_launch = [this](size_t number, size_t count, const Case& subject,
                              std::string_view kind) {
    pace_.begin_launch(number, subject, kind);
    current_ = subject;
    headline_ =
        fmt::format("launch {} of {}, about {} left", number, count, rounded(pace_.left_ns()));
    table_.set_state(subject, std::string(kind));
    show();
  };
  observer.on_phase = [this](std::string_view phase) {
    table_.set_state(current_, std::string(phase));
    show();
  };
  observer.on_disturbed = [this](const Record& record, std::string_view why) {
    print(fmt::format("{} is measured again: {}", case_id(record.subject), why));
    table_.set_state(record.subject, "again");
    show();
  };
  observer.on_launched = [this](const Record& record, const Launch& launch) {
    pace_.end_launch(record, launch);
    const std::string figure = figure_of(record, launch);
    table_.add_launch(record.subject, figure);
    table_.set_state(record.subject, std::string(name_of(record.outcome)));
    if (is_terminal_)
      show();
    else
      print(fmt::format("{} {}: {}", case_id(record.subject), launch.kind, figure));
  };
  return observer;
}

Result<EventLog> EventLog::open(const std::filesystem::path& path, const plan::Plan& plan,
                                const spec::Protocol& protocol) {
  QB_TRY(OutputStream stream, OutputStream::open(path));
  return EventLog(std::move(stream), plan, protocol);
}

Result<void> EventLog::begin(const Run& run, const plan::Plan& plan) {
  write(Json::object({{"event", "begun"},
                      {"run", run.id},
                      {"suite", run.suite_name},
                      {"cases", plan.cases.size()},
                      {"launches", plan.launches.size()},
                      {"left_ns", pace_.left_ns()}}));
  return written_;
}

Result<void> EventLog::end(std::string_view ending) {
  write(Json::object({{"event", "ended"}, {"ending", ending}}));
  return written_;
}

void EventLog::write(const Json& event) {
  if (written_) written_ = stream_.write(dump_json(event) + "\n");
}

campaign::Observer EventLog::observer(const campaign::Observer& next) {
  campaign::Observer both;
  both.on_preparing = [this, next](std::string_view what) {
    write(Json::object({{"event", "preparing"}, {"what", what}}));
    next.on_preparing(what);
  };
  both.on_launch = [this, next](size_t number, size_t count, const Case& subject,
                                std::string_view kind) {
    pace_.begin_launch(number, subject, kind);
    write(Json::object({{"event", "launch"},
                        {"number", number},
                        {"count", count},
                        {"case", case_id(subject)},
                        {"kind", kind},
                        {"left_ns", pace_.left_ns()}}));
    next.on_launch(number, count, subject, kind);
  };
  both.on_phase = [this, next](std::string_view phase) {
    write(Json::object({{"event", "phase"}, {"phase", phase}}));
    next.on_phase(phase);
  };
  both.on_launched = [this, next](const Record& record, const Launch& launch) {
    pace_.end_launch(record, launch);
    write(Json::object({{"event", "launched"},
                        {"case", case_id(record.subject)},
                        {"kind", launch.kind},
                        {"outcome", name_of(launch.outcome)},
                        {"reason", launch.reason}}));
    next.on_launched(record, launch);
  };
  both.on_disturbed = [this, next](const Record& record, std::string_view why) {
    write(Json::object({{"event", "disturbed"}, {"case", case_id(record.subject)}, {"why", why}}));
    next.on_disturbed(record, why);
  };
  return both;
}

StatusLine::StatusLine(bool is_quiet)
    : is_shown_(!is_quiet && ::isatty(STDERR_FILENO) == 1), start_ns_(now_ns()) {}

void StatusLine::show(std::string_view what) {
  if (!is_shown_) return;
  std::fprintf(stderr, "\r\x1b[K%s  %.70s",
               format_quantity(static_cast<double>(now_ns() - start_ns_), "ns").c_str(),
               std::string(what).c_str());
  std::fflush(stderr);
}

void StatusLine::finish() {
  if (is_shown_) std::fprintf(stderr, "\r\x1b[K");
}

}  // namespace qb::cli
