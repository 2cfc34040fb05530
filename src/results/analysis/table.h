// Plain tables: what analyses make and reports render.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "measurement/record/record.h"
#include "results/analysis/cases.h"
#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"

namespace qb::analysis {

struct Column {
  std::string heading;
  std::string unit;  // of the values; empty for text
  metrics::Better better = metrics::Better::neither;
  int rank = 0;  // 0: never left out; a narrow table leaves out the greatest first
};

struct Cell {
  std::string text;             // for people: "132 tokens/s ±1.2 %", "–" when there is no value
  std::optional<double> value;  // for sorting and machines
  std::string note;             // an interval, or why there is no value
  bool is_ranked = true;        // may be called the best of its column
  bool is_bad = false;          // says that something went wrong
};

struct Table {
  std::string title;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

// "1.07x", "0.0006x": two decimals, or two digits where that would be 0.
std::string ratio_text(double ratio);
// Its interval and from how many pairs of launches, or why there is none.
std::string ratio_note(const metrics::Ratio& ratio);

// "±1.2 %", or "±0.016" where the unit is "1" or "nats": the farther side of the interval.
std::string spread_text(double value, double low, double high, std::string_view unit);

// "132 tokens/s ±1.2 %"; the bare value where there is no interval. The value must be there.
std::string figure_text(const Measurement& measurement, const metrics::Metric& metric);

// Stands behind figures that were judged on other items than those of most cases.
inline constexpr std::string_view unlike_mark = "†";

// One model's cases side by side: the columns that apply (analysis/columns.h). Cases that are not
// ok are rows too. A cell that can't be compared with the others of its column isn't ranked, and
// marked where its quality was judged on another number of items.
Table summarize(const std::vector<const Record*>& records_of_model);

}  // namespace qb::analysis
