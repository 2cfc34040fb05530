// The workload that the cases share, and what their quality was judged on.
#include <algorithm>

#include "results/sections/sections.h"

namespace qb::sections {
namespace {

using Records = std::vector<const Record*>;

// "batch 1, prompt of 8 tokens, 8 generated; quality on …"
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

}  // namespace

Blocks build_workload(const analysis::ModelGroup& group) {
  return {Paragraph{.text = describe_workload(group.records), .is_aside = true}};
}

}  // namespace qb::sections
