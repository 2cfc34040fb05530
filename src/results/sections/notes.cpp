// What stands below a table and limits or explains its figures.
#include <fmt/ranges.h>

#include <algorithm>

#include "results/analysis/drift.h"
#include "results/sections/sections.h"
#include "results/sections/shared_facts.h"
#include "stats/stats.h"

namespace qb::sections {
namespace {

using Records = std::vector<const Record*>;

// An input of a model file, and what of it neither file nor user said.
void add_input(const Record& record, const Json& input, SharedFacts& facts) {
  const std::string& name = input["name"].as_string();
  std::string note = fmt::format("input {}: {} {}, {}", name, input["shape"].as_string(),
                                 input["type"].as_string(), input["values"].as_string());
  std::vector<std::string> assumed;
  for (const Json& item : input["assumed"].as_array()) assumed.push_back(item.as_string());
  if (!assumed.empty())
    note += fmt::format("; the file leaves open what was taken as {} (--input {}=SHAPE)",
                        fmt::join(assumed, ", "), name);
  facts.add(record, assumed.empty() ? NoteKind::data : NoteKind::reservation, std::move(note));
}

// What a model file was given and gave.
void add_file_notes(const Record& record, SharedFacts& facts) {
  for (const Json& input : record.manifest["inputs"].as_array()) add_input(record, input, facts);
  for (const Json& output : record.manifest["outputs"].as_array())
    if (output["not_finite_count"].is_int())
      facts.add(record, NoteKind::reservation,
                fmt::format("an output of shape {} has {} values that are not finite",
                            output["shape"].as_string(), output["not_finite_count"].as_int()));
  for (const Launch& launch : record.launches)
    if (launch.facts["comparison_problem"].is_string())
      facts.add(
          record, NoteKind::reservation,
          fmt::format("outputs not compared: {}", launch.facts["comparison_problem"].as_string()));
}

// What makes two records' figures less alike than their rows look, or less sure.
void add_reservations(const Record& record, const Records& all, SharedFacts& facts) {
  const auto add = [&](std::string text) {
    facts.add(record, NoteKind::reservation, std::move(text));
  };
  if (!analysis::is_judged_alike(record, all))
    add(fmt::format("{} quality on {} {}, most of the table on {}: not to be compared with it",
                    analysis::unlike_mark, *analysis::judged_item_count(record),
                    analysis::item_noun(record), *analysis::usual_item_count(all)));
  if (record.manifest["fits_cache"].as_bool())
    add("the weights fit the last-level cache, so memory may count for less than elsewhere");
  if (std::string text = analysis::drift_text(record.manifest["drift"]); !text.empty())
    add(std::move(text));
  const Json& audit = record.manifest["audit"];
  if (audit["answers_are_equal"].is_bool() && !audit["answers_are_equal"].as_bool())
    add("launches gave different answers to the same input");
  if (!audit["quality_answers_alike"].as_bool(true))
    add("the launch that measured quality answers the timed input in other bits");
  if (audit["may_keep_answers"].as_bool())
    add(
        fmt::format("the same input took {:.2f} of the time of different ones: answers may be "
                    "kept between runs",
                    audit["same_input_ratio"].as_double()));
}

int64_t disturbed_count(const Record& record) {
  return std::ranges::count_if(
      record.launches, [](const Launch& launch) { return launch.facts["contention"].is_string(); });
}

void add_disturbances(const Records& records, SharedFacts& facts) {
  int64_t total = 0;
  for (const Record* record : records) total += disturbed_count(*record);
  for (const Record* record : records)
    if (disturbed_count(*record) > 0)
      facts.add(*record, NoteKind::reservation,
                fmt::format("{} launch{} disturbed by other programs (qbench explain)", total,
                            total == 1 ? "" : "es in all"));
}

// How many times as long a request takes after a pause, the median of the launches; 0: not told.
double after_pause_ratio(const Record& record) {
  std::vector<double> ratios;
  for (const Launch& launch : record.launches)
    if (const Json& ratio = launch.facts["after_pause_ratio"]; ratio.is_number())
      ratios.push_back(ratio.as_double());
  return ratios.empty() ? 0.0 : stats::median(ratios);
}

// What idles down between requests answers in another time than a busy loop tells.
void add_pauses(const Records& records, SharedFacts& facts) {
  constexpr double worth_telling = 1.25;
  double largest = 0.0;
  for (const Record* record : records) largest = std::max(largest, after_pause_ratio(*record));
  for (const Record* record : records)
    if (after_pause_ratio(*record) >= worth_telling)
      facts.add(*record, NoteKind::reservation,
                fmt::format("a request after a pause takes up to {:.2g} times as long as one right "
                            "after another",
                            largest));
}

}  // namespace

// What kernels really compute with, what was calibrated on which data, and every reservation (the
// cache, disturbances, pauses, answers that differ, quality on other items).
Blocks build_notes(const analysis::ModelGroup& group) {
  const Records& records = group.records;
  SharedFacts facts;
  for (const Record* record : records) {
    add_file_notes(*record, facts);
    add_reservations(*record, records, facts);
    if (const Json& set = record->manifest["calibration"]; !set.is_null())
      facts.add(*record, NoteKind::data,
                fmt::format("calibrated on {} ({} items)", set["name"].as_string(),
                            set["item_count"].as_int()));
    if (const Json& scheme = record->manifest["baseline_scheme"]; scheme.is_string())
      facts.add(*record, NoteKind::data,
                fmt::format("the baseline is of the checkpoint's own bits ({}): its fp32 weights "
                            "are too large for this machine",
                            scheme.as_string()));
    const std::string& type = record->manifest["actual"]["compute_type"].as_string();
    if (!type.empty() && type != "f32") facts.add(*record, NoteKind::kernels, "computes " + type);
  }
  add_disturbances(records, facts);
  add_pauses(records, facts);
  return {Notes{.notes = facts.notes(records)}};
}

}  // namespace qb::sections
