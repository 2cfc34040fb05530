// The metrics: one table. A metric reads a record's launches; measurements can so be made anew from
// stored samples by a later version.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/record/record.h"

namespace qb::metrics {

enum class Better : uint8_t { lower, higher, neither };
std::string_view name_of(Better better);

struct Metric {
  std::string_view name;  // stored; never renamed
  std::string_view unit;  // "ns", "B", "tokens/s", "1" for a plain number
  Better better = Better::neither;
  std::string_view label;    // a table's heading
  std::string_view summary;  // one sentence for `qbench metrics`
  // What it is read from: launches of this kind ("speed" or "quality"), and of them
  std::string_view kind = "speed";
  std::string_view phase = {};  // the samples of this phase,
  std::string_view fact = {};   // or the number that they tell under this name,
  std::string_view per = {};    // over the one that they tell under this;
  double quantile = 0.5;        // of the samples
  // The axis of the workload (task/task.h) that says how many items a sample is of in each sequence
  // of the batch, or how many steps belong together; empty: one.
  std::string_view axis = {};
  Measurement (*measure)(const Record& record, const Metric& metric) = nullptr;
};

std::span<const Metric> metrics();
const Metric* find_metric(std::string_view name);

// "decode", "energy_uj over measured_tokens": what it is read from.
std::string source_text(const Metric& metric);

// What the interval of such a figure is true of, to stand behind it: "in this session", "of this
// text", "of pictures like these".
std::string_view scope_of(const Metric& metric, const Record& record);

// Every metric of the record that applies to its task; a value that isn't available has its reason.
std::vector<Measurement> measure(const Record& record);

}  // namespace qb::metrics
