#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>

#include "analysis/table.h"
#include "base/clock.h"
#include "base/units.h"
#include "metrics/metrics.h"

namespace qb::cli {
namespace {

// The figure that says most of a launch that just ended.
std::string figure_of(const Record& record, const Launch& launch) {
  if (launch.outcome != Outcome::ok)
    return fmt::format("{}: {}", name_of(launch.outcome), launch.reason);
  const std::string_view name =
      launch.kind == "quality" ? analysis::quality_metric(record) : analysis::speed_metric(record);
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
    const double elapsed_ns = static_cast<double>(now_ns() - start_ns_);
    headline_ = fmt::format("[{}/{}] {} {} ({} so far)", number, count, case_id(subject), kind,
                            format_quantity(elapsed_ns, "ns"));
    show(headline_);
  };
  observer.on_phase = [this](std::string_view phase) {
    show(fmt::format("{}: {}", headline_, phase));
  };
  observer.on_launched = [this](const Record& record, const Launch& launch) {
    print(
        fmt::format("{} {}: {}", case_id(record.subject), launch.kind, figure_of(record, launch)));
  };
  return observer;
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
