// The cases of a table: which belong together, how they are named, what their quality was judged
// on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "measurement/record/record.h"

namespace qb::analysis {

// The models of a run in the order of their first record, with their records: those with the same
// prompt and generated tokens.
struct ModelGroup {
  std::string model;
  std::vector<const Record*> records;
};
std::vector<ModelGroup> group_by_model(const std::vector<Record>& records);

// What tells a record from the others of its table: its scheme; of a model file, its name.
const std::string& variant_of(const Record& record);
// " at depth 64 batch 8 at 12.5/s": what tells the cases of a sweep apart; empty where none does.
std::string sweep_of(const Workload& workload);
// ", prompt of 128 tokens, 64 generated": what a table's title says of its workload.
std::string title_of(const Workload& workload);
// "w4g32 onnxruntime", and the device where it isn't cpu.
std::string label_of(const Record& record);
// What its quality is judged on: "tokens", "pictures".
inline std::string_view item_noun(const Record& record) { return task_of(record.subject).item; }
// The same without what all the records share.
std::string short_label_of(const Record& record, const std::vector<const Record*>& all);
// `some` of `all`, in as few words as tell them: "all", "all but fp32", "pytorch, w8c", "w4g32,
// q4_0 (onnxruntime)".
std::string name_cases(const std::vector<const Record*>& some,
                       const std::vector<const Record*>& all);

// Both the case and its figures count: it is ok.
inline bool is_ok(const Record& record) { return record.outcome == Outcome::ok; }

// The fp32 case of the same framework, device and workload; of a model file, the first file.
// Null when it isn't among the records.
const Record* find_base(const Record& record, const std::vector<const Record*>& all);

// The metric that stands for the quality of the record's task.
std::string_view quality_metric(const Record& record);

// Items, such as tokens, that the record's quality was judged on; empty when it wasn't judged.
std::optional<int64_t> judged_item_count(const Record& record);
// The number that most of the judged records share, of equally many the greater; empty when none
// was judged.
std::optional<int64_t> usual_item_count(const std::vector<const Record*>& records);
// Whether the record's quality may be compared with the table's: judged on as many items as most,
// or not judged on items at all.
bool is_judged_alike(const Record& record, const std::vector<const Record*>& all);

}  // namespace qb::analysis
