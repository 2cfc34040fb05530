#include "results/history/tell.h"

#include <algorithm>
#include <map>

#include "base/units.h"
#include "measurement/record/frameworks.h"
#include "results/comparison/tell.h"

namespace qb::history {
namespace {

std::string day_of(const Run& run) { return run.started_at.substr(0, 10); }

std::string run_text(const Run& run) { return fmt::format("{} ({})", run.id, day_of(run)); }

bool is_share(const metrics::Metric& metric) { return metric.unit == "1"; }

// "about 1.08x, worse": of a share the difference. A step is told larger than it is where it is
// hardly seen, so it is always "about".
std::string change_text(const Turn::Item& item) {
  const stats::Step& step = item.change->step;
  const metrics::Metric& metric = *item.series->metric;
  const bool is_ratio = !is_share(metric) && step.before > 0.0;
  const int worse = worsening(*item.series, *item.change);
  return fmt::format("about {}{}",
                     is_ratio ? comparison::ratio_text(step.after / step.before)
                              : fmt::format("{:+.2g}", step.after - step.before),
                     worse > 0   ? ", worse"
                     : worse < 0 ? ", better"
                                 : "");
}

std::string evidence_of(const stats::Step& step) {
  return fmt::format("{} runs, then {}; {:.1f} standard errors{}", step.first - step.begin,
                     step.end - step.first, step.statistic, step.is_gradual ? "; gradual" : "");
}

analysis::Table table_of(const Turn& turn) {
  using metrics::Better;
  analysis::Table table = {.columns = {{"case", "", Better::neither, 0},
                                       {"metric", "", Better::neither, 0},
                                       {"before", "1", Better::neither, 3},
                                       {"since", "1", Better::neither, 2},
                                       {"change", "1", Better::neither, 0},
                                       {"seen in", "", Better::neither, 1},
                                       {"id", "", Better::neither, 0}}};
  for (const Turn::Item& item : turn.items) {
    const metrics::Metric& metric = *item.series->metric;
    const stats::Step& step = item.change->step;
    table.rows.push_back({{case_id(item.series->subject), {}, {}},
                          {std::string(metric.label), {}, {}},
                          {format_quantity(step.before, metric.unit), {}, {}},
                          {format_quantity(step.after, metric.unit), {}, {}},
                          {change_text(item), {}, {}},
                          {evidence_of(step), {}, {}},
                          {item.change->id, {}, {}}});
  }
  return table;
}

// What lies between the two runs, and how to find out whether it is that.
sections::List causes_of(const History& history, const Turn& turn) {
  sections::List list = {.title = "Between the two runs", .has_neighbours = true};
  for (const comparison::Difference& d : turn.differences)
    list.items.push_back({fmt::format("other {}", d.aspect), d.text});
  if (turn.differences.empty()) list.items.push_back({"differences", "none that is recorded"});
  const Case& subject = turn.items.front().series->subject;
  const std::string narrowed =
      fmt::format("{} --model {} --scheme {} --framework {}", history.runs[turn.first].suite_name,
                  subject.model, subject.scheme, base_framework(subject.framework));
  if (comparison::differ_in(turn.differences, "versions"))
    list.items.push_back(
        {"to tell",
         fmt::format("`./qb run {} --launches 12 --python OLD --python NEW` measures both versions "
                     "in one run, `qbench gate --against NAME@VERSION` judges them",
                     narrowed)});
  else
    list.items.push_back(
        {"to tell",
         fmt::format("`qbench run {} --launches 12` on another day: does it stay?", narrowed)});
  return list;
}

size_t most_runs_of(const History& history) {
  size_t most = 0;
  for (const Series& series : history.series) most = std::max(most, series.runs.size());
  return most;
}

Json to_json(const History& history, const Series& series) {
  Json::Array runs;
  for (const size_t run : series.runs) runs.push_back(history.runs[run].id);
  Json::Array changes;
  for (const Change& change : series.changes) {
    const stats::Step& step = change.step;
    const int worse = worsening(series, change);
    changes.push_back(Json::object({{"id", change.id},
                                    {"run", history.runs[series.runs[step.first]].id},
                                    {"run_before", history.runs[series.runs[step.first - 1]].id},
                                    {"before", step.before},
                                    {"after", step.after},
                                    {"answer", worse > 0   ? "worse"
                                               : worse < 0 ? "better"
                                                           : "changed"},
                                    {"statistic", step.statistic},
                                    {"runs_before", step.first - step.begin},
                                    {"runs_after", step.end - step.first},
                                    {"is_gradual", step.is_gradual},
                                    {"is_acknowledged", change.is_acknowledged},
                                    {"note", change.note}}));
  }
  return Json::object({{"case", case_id(series.subject)},
                       {"metric", series.metric->name},
                       {"unit", series.metric->unit},
                       {"runs", std::move(runs)},
                       {"values", Json::array_of(series.values)},
                       {"changes", std::move(changes)}});
}

}  // namespace

std::vector<Turn> turns_of(const History& history, bool with_acknowledged) {
  std::map<std::pair<size_t, size_t>, Turn, std::greater<>> turns;
  for (const Series& series : history.series)
    for (const Change& change : series.changes) {
      if (change.is_acknowledged && !with_acknowledged) continue;
      const size_t first = series.runs[change.step.first];
      const size_t before = series.runs[change.step.first - 1];
      Turn& turn = turns[{first, before}];
      turn.first = first;
      turn.before = before;
      turn.items.push_back({&series, &change});
    }
  std::vector<Turn> sorted;
  for (auto& [runs, turn] : turns) sorted.push_back(std::move(turn));
  return sorted;
}

sections::Blocks blocks_of(const History& history, const std::vector<Turn>& turns) {
  sections::Blocks blocks;
  size_t count = 0;
  for (const Turn& turn : turns) count += turn.items.size();
  blocks.emplace_back(sections::Heading{
      count == 0 ? "history: no change"
                 : fmt::format("history: {} {} of {} figures changed for good", count,
                               count == 1 ? "step;" : "steps;", history.series.size()),
      sections::Level::model});
  std::string about = fmt::format("{} runs of this machine, {} figures.", history.runs.size(),
                                  history.series.size());
  if (history.other_run_count > 0)
    about += fmt::format(" {} runs of other machines are left out.", history.other_run_count);
  if (const size_t most = most_runs_of(history); most < stats::step_values_min)
    about += fmt::format(" No figure has more than {} runs: steps are looked for from {} on.", most,
                         stats::step_values_min);
  blocks.emplace_back(sections::Paragraph{std::move(about)});
  for (const Turn& turn : turns) {
    blocks.emplace_back(
        sections::Heading{fmt::format("Since run {}, after {}", run_text(history.runs[turn.first]),
                                      run_text(history.runs[turn.before]))});
    blocks.emplace_back(table_of(turn));
    blocks.emplace_back(causes_of(history, turn));
  }
  return blocks;
}

Json to_json(const History& history, const std::vector<Turn>& turns) {
  Json::Array runs;
  for (const Run& run : history.runs)
    runs.push_back(
        Json::object({{"id", run.id}, {"started_at", run.started_at}, {"suite", run.suite_name}}));
  Json::Array series;
  for (const Series& one : history.series) series.push_back(to_json(history, one));
  Json::Array differences;
  for (const Turn& turn : turns)
    for (const comparison::Difference& d : turn.differences)
      differences.push_back(Json::object({{"run", history.runs[turn.first].id},
                                          {"run_before", history.runs[turn.before].id},
                                          {"aspect", d.aspect},
                                          {"text", d.text}}));
  return Json::object({{"runs", std::move(runs)},
                       {"other_machines_runs", history.other_run_count},
                       {"series", std::move(series)},
                       {"differences", std::move(differences)}});
}

}  // namespace qb::history
