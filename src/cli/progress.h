// What a run shows while it goes on: one live line on a terminal, plain lines elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "campaign/campaign.h"

namespace qb::cli {

class Progress {
 public:
  explicit Progress(bool is_quiet);
  campaign::Observer observer();
  void finish();  // takes the live line away

 private:
  void show(const std::string& line);   // live, replaced by the next
  void print(const std::string& line);  // stays
  std::string time_left(size_t number, size_t count);

  bool is_quiet_;
  bool is_terminal_;
  int64_t start_ns_;
  size_t number_first_ = 0;  // of the launches of this sitting
  std::string headline_;
};

// The same for other programs: a file of JSON lines, {"event": …} each, written as they happen.
class EventLog {
 public:
  static Result<EventLog> open(const std::filesystem::path& path);
  // Both: this log and `next`.
  campaign::Observer observer(const campaign::Observer& next);

 private:
  void write(const Json& event);
  std::shared_ptr<std::ofstream> file_;
};

// A bar for one long piece of work; nothing where there is no terminal.
class ShareBar {
 public:
  explicit ShareBar(bool is_quiet);
  void show(std::string_view what, double share_done);  // share in [0, 1]
  void finish();

 private:
  bool is_shown_;
  int64_t start_ns_;
  int64_t shown_ns_ = 0;
};

}  // namespace qb::cli
