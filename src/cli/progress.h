// What a run shows while it goes on: one live line on a terminal, plain lines elsewhere.
#pragma once

#include <cstdint>
#include <string>

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

  bool is_quiet_;
  bool is_terminal_;
  int64_t start_ns_;
  std::string headline_;
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
