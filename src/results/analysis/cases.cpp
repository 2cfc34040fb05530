#include "results/analysis/cases.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "results/metrics/launches.h"

namespace qb::analysis {
namespace {

using Records = std::vector<const Record*>;

bool holds(const Records& records, const Record* record) {
  return std::ranges::find(records, record) != records.end();
}

// "onnxruntime", "mlx gpu"
std::string place_of(const Record& record) {
  const Case& c = record.subject;
  return c.device == "cpu" ? c.framework : c.framework + " " + c.device;
}

template <typename KeyOf>
bool is_shared(const Records& records, KeyOf&& key_of) {
  return std::ranges::all_of(
      records, [&](const Record* record) { return key_of(*record) == key_of(*records.front()); });
}

// " 2 threads" where the records differ in it.
std::string threads_of(const Record& record, const Records& all) {
  const auto threads = [](const Record& r) { return r.subject.workload.thread_count(); };
  if (is_shared(all, threads)) return {};
  return fmt::format(" {} thread{}", threads(record), threads(record) == 1 ? "" : "s");
}

// Adds to `names` each value of the key all of whose records (two or more) are among `some`, in the
// order of the records, and takes these records out of `rest`.
template <typename KeyOf>
void name_whole(const Records& some, const Records& all, KeyOf&& key_of, Records& rest,
                std::vector<std::string>& names) {
  for (const Record* record : some) {
    if (!holds(rest, record)) continue;
    Records of_key;
    for (const Record* other : all)
      if (key_of(*other) == key_of(*record)) of_key.push_back(other);
    const auto is_in = [&](const Record* other) { return holds(some, other); };
    if (of_key.size() < 2 || of_key.size() == all.size() || !std::ranges::all_of(of_key, is_in))
      continue;
    names.push_back(key_of(*record));
    std::erase_if(rest, [&](const Record* other) { return holds(of_key, other); });
  }
}

// Those that no name covers: by the place they share, "w8c, w4g32 (pytorch)".
void name_rest(const Records& rest, const Records& all, std::vector<std::string>& names) {
  Records left = rest;
  while (!left.empty()) {
    const std::string place = place_of(*left.front());
    Records here;
    for (const Record* record : left)
      if (place_of(*record) == place) here.push_back(record);
    std::erase_if(left, [&](const Record* record) { return holds(here, record); });
    if (here.size() == 1 || is_shared(all, place_of)) {
      for (const Record* record : here) names.push_back(short_label_of(*record, all));
      continue;
    }
    std::vector<std::string> variants;
    for (const Record* record : here)
      variants.push_back(variant_of(*record) + sweep_of(record->subject.workload) +
                         threads_of(*record, all));
    names.push_back(fmt::format("{} ({})", fmt::join(variants, ", "), place));
  }
}

std::vector<std::string> names_of(const Records& some, const Records& all) {
  std::vector<std::string> names;
  Records rest = some;
  name_whole(some, all, place_of, rest, names);
  name_whole(some, all, variant_of, rest, names);
  name_rest(rest, all, names);
  return names;
}

// They differ in no axis that tables are split by.
bool are_of_one_table(const Record& a, const Record& b) {
  return a.subject.task == b.subject.task &&
         std::ranges::all_of(task::axes(), [&](const task::Axis* axis) {
           return axis->title.empty() || task::value_of(*axis, a.subject.workload) ==
                                             task::value_of(*axis, b.subject.workload);
         });
}

}  // namespace

std::vector<ModelGroup> group_by_model(const std::vector<Record>& records) {
  std::vector<ModelGroup> groups;
  for (const Record& record : records) {
    const std::string_view group_title = task_of(record.subject).group;
    const std::string model = group_title.empty() ? record.subject.model : std::string(group_title);
    const auto found = std::ranges::find_if(groups, [&](const ModelGroup& group) {
      return group.model == model && are_of_one_table(*group.records.front(), record);
    });
    if (found == groups.end())
      groups.push_back({model, {&record}});
    else
      found->records.push_back(&record);
  }
  return groups;
}

const std::string& variant_of(const Record& record) {
  return task_of(record.subject).variant == task::Variant::model ? record.subject.model
                                                                 : record.subject.scheme;
}

std::string sweep_of(const Workload& w) {
  std::string text;
  for (const task::Axis* axis : task::axes())
    if (!axis->sweep.empty() && !task::is_default(*axis, w))
      text += fmt::format(fmt::runtime(axis->sweep), task::text_of(*axis, value_of(*axis, w)));
  return text;
}

std::string title_of(const Workload& w) {
  std::string text;
  for (const task::Axis* axis : task::axes())
    if (!axis->title.empty() && w.has(axis->name))
      text += fmt::format(fmt::runtime(axis->title), task::text_of(*axis, value_of(*axis, w)));
  return text;
}

std::string label_of(const Record& record) {
  return fmt::format("{} {}{}", variant_of(record), place_of(record),
                     sweep_of(record.subject.workload));
}

std::string short_label_of(const Record& record, const Records& all) {
  const std::string label = is_shared(all, place_of)
                                ? variant_of(record) + sweep_of(record.subject.workload)
                                : label_of(record);
  return label + threads_of(record, all);
}

std::string name_cases(const Records& some, const Records& all) {
  if (some.size() == all.size() && all.size() > 1) return "all";
  std::vector<std::string> names = names_of(some, all);
  Records others;
  for (const Record* record : all)
    if (!holds(some, record)) others.push_back(record);
  if (!others.empty() && names.size() > 1) {
    std::vector<std::string> other_names = names_of(others, all);
    if (other_names.size() == 1 && !other_names[0].ends_with(')'))
      return "all but " + other_names[0];
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

const Record* find_base(const Record& record, const Records& all) {
  if (all.empty()) return nullptr;
  Case wanted = record.subject;
  if (task_of(record.subject).variant == task::Variant::model) {
    wanted.model = all.front()->subject.model;
    wanted.framework = all.front()->subject.framework;
  } else {
    wanted.scheme = "fp32";
  }
  const auto base =
      std::ranges::find(all, wanted, [](const Record* other) { return other->subject; });
  return base == all.end() ? nullptr : *base;
}

std::string_view quality_metric(const Record& record) {
  return task_of(record.subject).quality_metric;
}

std::optional<int64_t> judged_item_count(const Record& record) {
  const std::string_view fact = task_of(record.subject).item_fact;
  if (fact.empty()) return std::nullopt;
  for (const Launch* launch : metrics::counted_launches(record, "quality"))
    if (launch->facts[fact].is_int()) return launch->facts[fact].as_int();
  const Measurement* quality = find_measurement(record, quality_metric(record));
  if (!quality || !quality->value) return std::nullopt;
  const Json& limit = record.manifest["quality_item_count_max"];  // a launch without that fact
  if (limit.is_int()) return limit.as_int();
  const Json& whole = record.manifest["dataset"]["item_count"];
  return whole.is_int() ? std::optional(whole.as_int()) : std::nullopt;
}

std::optional<int64_t> usual_item_count(const Records& records) {
  std::map<int64_t, size_t> counts;  // records judged on so many items
  for (const Record* record : records)
    if (const auto count = judged_item_count(*record)) ++counts[*count];
  const auto usual = std::ranges::max_element(
      counts, {}, [](const auto& entry) { return std::pair(entry.second, entry.first); });
  return usual == counts.end() ? std::nullopt : std::optional(usual->first);
}

bool is_judged_alike(const Record& record, const Records& all) {
  const auto count = judged_item_count(record);
  return !count || count == usual_item_count(all);
}

}  // namespace qb::analysis
