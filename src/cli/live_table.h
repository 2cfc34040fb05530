// The cases of a run as a table that changes while they are measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "orchestration/plan/plan.h"

namespace qb::cli {

class LiveTable {
 public:
  explicit LiveTable(const plan::Plan& plan);

  void set_state(const Case& subject, std::string state);
  // Another launch of the case has ended; its newest figure.
  void add_launch(const Case& subject, std::string figure);

  // At most `row_count` lines of at most `column_count` characters: a heading, then the cases
  // around the one that changed last.
  std::vector<std::string> render(size_t row_count, size_t column_count) const;

 private:
  struct Row {
    Case subject;
    std::string name;
    int64_t done_count = 0;
    int64_t planned_count = 0;
    std::string figure;
    std::string state = "waiting";
  };
  Row* find(const Case& subject);

  std::vector<Row> rows_;
  size_t newest_ = 0;
};

}  // namespace qb::cli
