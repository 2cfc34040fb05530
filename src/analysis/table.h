// Plain tables: what analyses make and reports render.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "metrics/launches.h"
#include "metrics/metrics.h"
#include "record/record.h"

namespace qb::analysis {

struct Column {
  std::string heading;
  std::string unit;  // of the values; empty for text
  metrics::Better better = metrics::Better::neither;
};

struct Cell {
  std::string text;             // for people: "132 tokens/s", "–" when there is no value
  std::optional<double> value;  // for sorting and machines
  std::string note;             // an interval, or why there is no value
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

// One model's cases side by side: sizes, speeds with the ratio to fp32 in the same framework,
// memory and quality. Cases that are not ok are rows too.
Table summarize(const std::vector<const Record*>& records_of_model);

// The models of a run in the order of their first record, with their records: those with the same
// prompt and generated tokens.
struct ModelGroup {
  std::string model;
  std::vector<const Record*> records;
};
std::vector<ModelGroup> group_by_model(const std::vector<Record>& records);

// The metric that stands for the quality of the record's task.
std::string_view quality_metric(const Record& record);

// "w4g32 onnxruntime", and the device where it isn't cpu.
std::string label_of(const Record& record);
// The same without what all the records share.
std::string short_label_of(const Record& record, const std::vector<const Record*>& all);

}  // namespace qb::analysis
