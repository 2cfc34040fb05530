// What a run shows while it goes on: a live table on a terminal, plain lines elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/output.h"
#include "base/result.h"
#include "cli/live_table.h"
#include "orchestration/campaign/campaign.h"
#include "orchestration/plan/estimate.h"

namespace qb::cli {

// Follows the launches of a run and estimates what is left of it.
class Pace {
 public:
  Pace(const plan::Plan& plan, const spec::Protocol& protocol);
  void begin_launch(size_t number, const Case& subject, std::string_view kind);
  void end_launch(const Record& record, const Launch& launch);
  // Of the launch at hand and those after it, by the plan's estimate and within the budget.
  int64_t left_ns() const;

 private:
  plan::Estimate estimate_;
  int64_t budget_ns_;
  int64_t start_ns_ = 0;  // of the first launch
  int64_t launch_start_ns_ = 0;
  size_t number_ = 0;
};

class Progress {
 public:
  Progress(bool is_quiet, const plan::Plan& plan, const spec::Protocol& protocol);
  campaign::Observer observer();
  void finish();  // takes the live table away

 private:
  void show();                          // the live table, in the place of the last
  void print(const std::string& line);  // stays, above it
  void erase();

  bool is_quiet_;
  bool is_terminal_;
  Pace pace_;
  LiveTable table_;
  std::string headline_;
  Case current_;
  size_t shown_line_count_ = 0;
};

// The same for other programs: JSON lines, {"event": …} each, written as they happen.
class EventLog {
 public:
  static Result<EventLog> open(const std::filesystem::path& path, const plan::Plan& plan,
                               const spec::Protocol& protocol);
  // Error: where not even the first line can be written.
  Result<void> begin(const Run& run, const plan::Plan& plan);
  // Error: the first that came since; nothing was written after it, and the run went on.
  Result<void> end(std::string_view ending);
  // Both: this log and `next`.
  campaign::Observer observer(const campaign::Observer& next);

 private:
  EventLog(OutputStream stream, const plan::Plan& plan, const spec::Protocol& protocol)
      : stream_(std::move(stream)), pace_(plan, protocol) {}
  void write(const Json& event);
  OutputStream stream_;
  Result<void> written_;
  Pace pace_;
};

// What one long piece of work is at, on a line of its own; nothing where there is no terminal.
class StatusLine {
 public:
  explicit StatusLine(bool is_quiet);
  void show(std::string_view what);
  void finish();  // takes the line away

 private:
  bool is_shown_;
  int64_t start_ns_;
};

}  // namespace qb::cli
