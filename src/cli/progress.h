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

}  // namespace qb::cli
