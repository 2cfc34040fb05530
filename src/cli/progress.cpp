#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>

#include "analysis/table.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "metrics/launches.h"
#include "metrics/metrics.h"

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

}  // namespace

Progress::Progress(bool is_quiet)
    : is_quiet_(is_quiet), is_terminal_(::isatty(STDERR_FILENO) == 1), start_ns_(now_ns()) {}

void Progress::show(const std::string& line) {
  if (is_quiet_ || !is_terminal_) return;
  std::fprintf(stderr, "\r\x1b[K%s", line.substr(0, 110).c_str());
  std::fflush(stderr);
}

void Progress::print(const std::string& line) {
  if (is_quiet_) return;
  std::fprintf(stderr, "%s%s\n", is_terminal_ ? "\r\x1b[K" : "", line.c_str());
}

void Progress::finish() { show(""); }

// By the pace of the launches so far; nothing for the first few.
std::string Progress::time_left(size_t number, size_t count) {
  constexpr size_t paced_from = 3;
  if (number_first_ == 0) {
    number_first_ = number;
    start_ns_ = now_ns();
  }
  const size_t done = number - number_first_;
  if (done < paced_from) return {};
  const double each_ns = static_cast<double>(now_ns() - start_ns_) / static_cast<double>(done);
  return fmt::format(" (about {} left)",
                     format_quantity(each_ns * static_cast<double>(count - number + 1), "ns"));
}

campaign::Observer Progress::observer() {
  campaign::Observer observer;
  observer.on_preparing = [this](std::string_view what) {
    headline_ = fmt::format("preparing {}", what);
    if (is_terminal_)
      show(headline_);
    else
      print(headline_);
  };
  observer.on_launch = [this](size_t number, size_t count, const Case& subject,
                              std::string_view kind) {
    headline_ = fmt::format("[{}/{}] {} {}{}", number, count, case_id(subject), kind,
                            time_left(number, count));
    show(headline_);
  };
  observer.on_phase = [this](std::string_view phase) {
    show(fmt::format("{}: {}", headline_, phase));
  };
  observer.on_disturbed = [this](const Record& record, std::string_view why) {
    print(fmt::format("{} is measured again: {}", case_id(record.subject), why));
  };
  observer.on_launched = [this](const Record& record, const Launch& launch) {
    print(
        fmt::format("{} {}: {}", case_id(record.subject), launch.kind, figure_of(record, launch)));
  };
  return observer;
}

Result<EventLog> EventLog::open(const std::filesystem::path& path) {
  EventLog log;
  log.file_ = std::make_shared<std::ofstream>(path, std::ios::app);
  if (!*log.file_) return fail(Errc::io, "{}: cannot write: {}", path.string(), system_message());
  return log;
}

void EventLog::write(const Json& event) { *file_ << dump_json(event) << std::endl; }

campaign::Observer EventLog::observer(const campaign::Observer& next) {
  campaign::Observer both;
  both.on_preparing = [this, next](std::string_view what) {
    write(Json::object({{"event", "preparing"}, {"what", what}}));
    next.on_preparing(what);
  };
  both.on_launch = [this, next](size_t number, size_t count, const Case& subject,
                                std::string_view kind) {
    write(Json::object({{"event", "launch"},
                        {"number", number},
                        {"count", count},
                        {"case", case_id(subject)},
                        {"kind", kind}}));
    next.on_launch(number, count, subject, kind);
  };
  both.on_phase = [this, next](std::string_view phase) {
    write(Json::object({{"event", "phase"}, {"phase", phase}}));
    next.on_phase(phase);
  };
  both.on_launched = [this, next](const Record& record, const Launch& launch) {
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

ShareBar::ShareBar(bool is_quiet)
    : is_shown_(!is_quiet && ::isatty(STDERR_FILENO) == 1), start_ns_(now_ns()) {}

void ShareBar::show(std::string_view what, double share_done) {
  constexpr int width = 30;
  constexpr int64_t interval_ns = 50'000'000;
  const int64_t now = now_ns();
  if (!is_shown_ || now - shown_ns_ < interval_ns) return;
  shown_ns_ = now;
  const int filled = static_cast<int>(share_done * width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
  std::fprintf(stderr, "\r\x1b[K%s %3.0f %%  %s  %.60s", bar.c_str(), share_done * 100.0,
               format_quantity(static_cast<double>(now - start_ns_), "ns").c_str(),
               std::string(what).c_str());
  std::fflush(stderr);
}

void ShareBar::finish() {
  if (is_shown_) std::fprintf(stderr, "\r\x1b[K");
}

}  // namespace qb::cli
