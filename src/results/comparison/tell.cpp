#include "results/comparison/tell.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/units.h"
#include "results/analysis/cases.h"
#include "results/analysis/table.h"

namespace qb::comparison {
namespace {

constexpr size_t named_cases_max = 5;

std::string ids_of(const std::vector<const Record*>& records) {
  std::vector<std::string> ids;
  for (const Record* record : records) {
    if (ids.size() == named_cases_max) {
      ids.push_back(fmt::format("{} more", records.size() - named_cases_max));
      break;
    }
    ids.push_back(case_id(record->subject));
  }
  return fmt::format("{}", fmt::join(ids, ", "));
}

sections::Heading heading_of(const Comparison& c) {
  const Case& subject = c.pair.after->subject;
  const std::string_view group = task_of(subject).group;
  return {fmt::format("{}{}", group.empty() ? subject.model : std::string(group),
                      analysis::title_of(subject.workload)),
          sections::Level::section};
}

std::vector<analysis::Cell> row_of(const Comparison& c) {
  const metrics::Metric& metric = *c.figures.metric;
  return {{analysis::label_of(*c.pair.after), {}, {}},
          {std::string(metric.label), {}, {}},
          {figure_text(c.figures.before, metric), {}, {}},
          {figure_text(c.figures.after, metric), {}, {}},
          {change_text(c), c.change, c.basis},
          {std::string(word_of(c.answer, metric)), {}, c.basis}};
}

analysis::Table empty_table() {
  using metrics::Better;
  return {.title = "Before and now",
          .columns = {{"case", "", Better::neither, 0},
                      {"metric", "", Better::neither, 0},
                      {"before", "1", Better::neither, 2},
                      {"now", "1", Better::neither, 1},
                      {"change (95 %)", "1", Better::neither, 0},
                      {"", "", Better::neither, 0}}};
}

std::string count_text(const std::vector<Comparison>& comparisons) {
  std::vector<std::string> parts;
  for (const Answer answer : {Answer::worse, Answer::better, Answer::same, Answer::undecided}) {
    const auto count = std::ranges::count(comparisons, answer, &Comparison::answer);
    if (count > 0)
      parts.push_back(fmt::format("{} {}", count,
                                  answer == Answer::undecided ? "can't tell" : name_of(answer)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// Why what can't be told can't, each reason once.
sections::Notes reasons_of(const std::vector<Comparison>& comparisons) {
  sections::Notes notes;
  for (const Comparison& c : comparisons) {
    if (c.answer != Answer::undecided || c.interval) continue;
    const std::string text = fmt::format("{}: {}", c.figures.metric->label, c.basis);
    if (std::ranges::find(notes.notes, text, &sections::Note::text) == notes.notes.end())
      notes.notes.push_back({sections::NoteKind::reservation, text});
  }
  return notes;
}

Json interval_json(const std::optional<stats::Interval>& interval) {
  if (!interval) return {};
  return Json::array_of(std::vector<double>{interval->low, interval->high});
}

Json value_json(const Measurement* m) { return m && m->value ? Json(*m->value) : Json(); }

Json ids_json(const std::vector<const Record*>& records) {
  Json::Array ids;
  for (const Record* record : records) ids.push_back(case_id(record->subject));
  return ids;
}

}  // namespace

std::string title_of(const report::Document& document) {
  return fmt::format("run {}, {}, suite {}", document.run.id, document.run.started_at,
                     document.run.suite_name);
}

std::string figure_text(const Measurement* measurement, const metrics::Metric& metric) {
  return measurement && measurement->value ? format_quantity(*measurement->value, metric.unit)
                                           : "–";
}

std::string ratio_text(double ratio) {
  return ratio < 0.1 ? fmt::format("{:.2g}x", ratio) : fmt::format("{:.3f}x", ratio);
}

std::string change_text(const Comparison& c) {
  if (!c.change) return "–";
  const auto text = [&](double value) {
    return c.is_difference ? fmt::format("{:+.2g}", value) : ratio_text(value);
  };
  const bool is_wide = c.interval && c.interval->high > c.interval->low;
  return is_wide ? fmt::format("{} ({} to {})", text(*c.change), text(c.interval->low),
                               text(c.interval->high))
                 : text(*c.change);
}

sections::Blocks head_of(const Sides& sides, const Shifts& shifts) {
  sections::Blocks blocks;
  sections::List list = {.title = "Compared", .has_neighbours = true};
  list.items.push_back({"before", sides.before});
  list.items.push_back({"now", sides.after});
  if (sides.differences.empty()) list.items.push_back({"differences", "none that is recorded"});
  for (const Difference& d : sides.differences)
    list.items.push_back({fmt::format("other {}", d.aspect), d.text});
  if (!sides.pairs.only_before.empty())
    list.items.push_back({"only before", ids_of(sides.pairs.only_before)});
  if (!sides.pairs.only_after.empty())
    list.items.push_back({"only now", ids_of(sides.pairs.only_after)});
  blocks.push_back(std::move(list));
  if (!sides.pairs.are_interleaved && shifts.run > 0.0)
    blocks.push_back(sections::Paragraph{fmt::format(
        "Two runs, not interleaved: for the machine's state at each, which no number of launches "
        "averages out, {:.1f} % (one standard deviation of times) are allowed.",
        shifts.run * 100.0)});
  if (const auto common = common_change(sides.pairs); common && !sides.pairs.are_interleaved)
    blocks.push_back(sections::Paragraph{fmt::format(
        "The speeds of all {} cases: {} (median), each case {:.1f} % around that (one standard "
        "deviation).",
        common->case_count, ratio_text(common->median), common->spread * 100.0)});
  return blocks;
}

sections::Blocks blocks_of(const Sides& sides, const std::vector<Comparison>& comparisons,
                           const Shifts& shifts) {
  sections::Blocks blocks = head_of(sides, shifts);
  sections::Heading heading;
  analysis::Table table = empty_table();
  const auto finish = [&] {
    if (table.rows.empty()) return;
    blocks.emplace_back(heading);
    blocks.emplace_back(std::exchange(table, empty_table()));
  };
  for (const Comparison& c : comparisons) {
    if (sections::Heading next = heading_of(c); next.text != heading.text) {
      finish();
      heading = std::move(next);
    }
    table.rows.push_back(row_of(c));
  }
  finish();
  if (sections::Notes notes = reasons_of(comparisons); !notes.notes.empty())
    blocks.emplace_back(std::move(notes));
  blocks.emplace_back(sections::Paragraph{count_text(comparisons)});
  return blocks;
}

Json to_json(const Sides& sides) {
  Json::Array differences;
  for (const Difference& d : sides.differences)
    differences.push_back(Json::object({{"aspect", d.aspect}, {"text", d.text}}));
  Json json = Json::object({{"before", sides.before},
                            {"now", sides.after},
                            {"interleaved", sides.pairs.are_interleaved},
                            {"differences", std::move(differences)},
                            {"only_before", ids_json(sides.pairs.only_before)},
                            {"only_now", ids_json(sides.pairs.only_after)}});
  if (const auto common = common_change(sides.pairs))
    json.set("speeds", Json::object({{"ratio_median", common->median},
                                     {"spread", common->spread},
                                     {"case_count", common->case_count}}));
  return json;
}

Json to_json(const Comparison& c) {
  const metrics::Metric& metric = *c.figures.metric;
  return Json::object(
      {{"case", case_id(c.pair.after->subject)},
       {"metric", metric.name},
       {"unit", metric.unit},
       {"better", metrics::name_of(metric.better)},
       {"before", value_json(c.figures.before)},
       {"now", value_json(c.figures.after)},
       {c.is_difference ? "difference" : "ratio", c.change ? Json(*c.change) : Json()},
       {"interval", interval_json(c.interval)},
       {"answer", name_of(c.answer)},
       {"basis", c.basis}});
}

}  // namespace qb::comparison
