// What stands below a table: what it was measured on, and what limits or explains its figures.
#include "results/report/notes.h"

#include <algorithm>

#include "results/analysis/cases.h"
#include "results/analysis/table.h"

namespace qb::report {
namespace {

using Records = std::vector<const Record*>;

// Facts with the records that share them, in the order they were first told.
class SharedFacts {
 public:
  void add(const Record& record, NoteKind kind, std::string text) {
    auto same = std::ranges::find_if(
        facts_, [&](const Fact& fact) { return fact.kind == kind && fact.text == text; });
    if (same == facts_.end()) same = facts_.insert(facts_.end(), {kind, std::move(text), {}});
    if (same->records.empty() || same->records.back() != &record) same->records.push_back(&record);
  }
  // The cases are named among `all`: those that can have such facts.
  std::vector<Note> notes(const Records& all) const {
    std::vector<Note> notes;
    for (const NoteKind kind : {NoteKind::reservation, NoteKind::data, NoteKind::kernels})
      for (const Fact& fact : facts_)
        if (fact.kind == kind)
          notes.push_back(
              {kind, fmt::format("{}: {}", analysis::name_cases(fact.records, all), fact.text)});
    return notes;
  }

 private:
  struct Fact {
    NoteKind kind;
    std::string text;
    Records records;
  };
  std::vector<Fact> facts_;
};

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

}  // namespace

std::vector<Note> notes_of(const Records& records) {
  SharedFacts facts;
  for (const Record* record : records) {
    add_file_notes(*record, facts);
    add_reservations(*record, records, facts);
    if (const Json& set = record->manifest["calibration"]; !set.is_null())
      facts.add(*record, NoteKind::data,
                fmt::format("calibrated on {} ({} items)", set["name"].as_string(),
                            set["item_count"].as_int()));
    const std::string& type = record->manifest["actual"]["compute_type"].as_string();
    if (!type.empty() && type != "f32") facts.add(*record, NoteKind::kernels, "computes " + type);
  }
  add_disturbances(records, facts);
  return facts.notes(records);
}

std::vector<std::string> problems_of(const Records& records) {
  SharedFacts facts;
  for (const Record* record : records)
    if (!analysis::is_ok(*record))
      facts.add(*record, NoteKind::reservation,
                fmt::format("{}: {}", name_of(record->outcome), record->reason));
    else if (const std::string failure = quality_failure(*record); !failure.empty())
      facts.add(*record, NoteKind::reservation, fmt::format("quality {}", failure));
  std::vector<std::string> lines;
  for (Note& note : facts.notes(records)) lines.push_back(std::move(note.text));
  return lines;
}

std::string describe_workload(const Records& records) {
  const Workload& w = records.front()->subject.workload;
  const bool is_sweep = std::ranges::any_of(
      records, [&](const Record* other) { return other->subject.workload.batch() != w.batch(); });
  std::string text =
      is_sweep ? std::string("batches as shown") : fmt::format("batch {}", w.batch());
  text += analysis::title_of(w);
  const auto judged = std::ranges::find_if(
      records, [](const Record* record) { return !record->manifest["dataset"].is_null(); });
  if (judged == records.end()) return text;
  const Json& dataset = (*judged)->manifest["dataset"];
  const int64_t whole = dataset["item_count"].as_int();
  const int64_t usual = analysis::usual_item_count(records).value_or(whole);
  return text + fmt::format("; quality on {} ({}{} {})", dataset["name"].as_string(),
                            usual < whole ? fmt::format("{} of ", usual) : "", whole,
                            analysis::item_noun(**judged));
}

}  // namespace qb::report
