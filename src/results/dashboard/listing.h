// The records of a store, as lines in memory: 100,000 take some 20 MB and are filtered in
// milliseconds.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "results/store/catalogue.h"

namespace qb::dashboard {

// What is asked for, as a URL has it: "model=a&model=b&find=w4".
using Parameters = std::multimap<std::string, std::string>;

// What one filters by.
enum Column : uint8_t { machine, model, scheme, framework, version, device, outcome, column_count };
inline constexpr std::array<std::string_view, column_count> column_names = {
    "machine", "model", "scheme", "framework", "version", "device", "outcome"};

class Listing {
 public:
  struct Line {
    int64_t row = 0;
    uint32_t run = 0;      // a place in runs()
    uint32_t case_id = 0;  // of names()
    uint32_t task = 0;
    std::array<uint32_t, column_count> values = {};
    std::string recorded_at;
  };
  struct RunLine {
    store::RunLine stored;
    int64_t record_count = 0;
    std::vector<uint32_t> versions;  // "pytorch 2.13.0", of names()
  };

  void add(store::RunLine run);
  // One that is there already takes its place.
  void add(const store::RecordLine& record);

  const std::vector<Line>& lines() const { return lines_; }
  const std::vector<RunLine>& runs() const { return runs_; }
  const std::string& name(uint32_t id) const { return *names_[id]; }
  int64_t last_run_row() const { return runs_.empty() ? 0 : runs_.back().stored.row; }
  int64_t last_row() const { return last_row_; }

  // The lines that fit, the newest first.
  std::vector<const Line*> find(const Parameters& wanted) const;
  // Of each column its values and how many lines have them, as far as the other columns' filters
  // let them through: [{"column", "values": [{"value", "count"}]}].
  Json facets(const Parameters& wanted) const;

 private:
  struct Filter;
  Filter filter_of(const Parameters& wanted) const;
  uint32_t intern(std::string_view text);

  std::vector<RunLine> runs_;
  std::map<std::string, uint32_t, std::less<>> run_places_;
  std::vector<Line> lines_;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> line_places_;  // by run and case
  std::map<std::string, uint32_t, std::less<>> ids_;
  std::vector<const std::string*> names_;
  int64_t last_row_ = 0;
};

}  // namespace qb::dashboard
