#include "results/history/history.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/hash.h"
#include "results/comparison/differences.h"
#include "results/gate/rules.h"
#include "task/task.h"

namespace qb::history {
namespace {

std::string id_of(const Series& series, const std::string& run_id) {
  const std::string text =
      fmt::format("{}\n{}\n{}", case_id(series.subject), series.metric->name, run_id);
  return hash_of(text).substr(0, 8);
}

const Acknowledged* find_acknowledged(std::span<const Acknowledged> all, const History& history,
                                      const Series& series, const stats::Step& step) {
  for (const Acknowledged& one : all) {
    if (one.metric != series.metric->name || one.case_name != case_id(series.subject)) continue;
    for (size_t i = 0; i < series.runs.size(); ++i)
      if (history.runs[series.runs[i]].id == one.run_id &&
          std::max(i, step.first) - std::min(i, step.first) < nights_alike)
        return &one;
  }
  return nullptr;
}

}  // namespace

History collect(std::vector<Run> runs, std::span<const store::Figure> figures) {
  std::erase_if(runs, [](const Run& run) { return !run.damage.empty(); });
  History history;
  if (runs.empty()) return history;
  const Json machine = runs.front().host;
  const size_t count = runs.size();
  std::erase_if(runs,
                [&](const Run& run) { return !comparison::is_same_machine(run.host, machine); });
  history.other_run_count = count - runs.size();
  std::ranges::reverse(runs);
  history.runs = std::move(runs);
  std::map<std::string_view, size_t> run_numbers;
  for (size_t i = 0; i < history.runs.size(); ++i) run_numbers[history.runs[i].id] = i;
  std::map<std::string, size_t> numbers;
  for (const store::Figure& figure : figures) {
    const auto run = run_numbers.find(figure.run_id);
    const metrics::Metric* metric = metrics::find_metric(figure.metric);
    if (run == run_numbers.end() || !metric) continue;
    const std::string key = fmt::format("{}\n{}", case_id(figure.subject), figure.metric);
    const auto [known, is_new] = numbers.try_emplace(key, history.series.size());
    if (is_new) history.series.push_back({.subject = figure.subject, .metric = metric});
    Series& series = history.series[known->second];
    series.runs.push_back(run->second);
    series.values.push_back(figure.value);
  }
  return history;
}

void find_changes(History& history, const stats::StepBounds& bounds,
                  std::span<const Acknowledged> acknowledged) {
  for (Series& series : history.series) {
    series.changes.clear();
    for (const stats::Step& step : stats::find_steps(series.values, bounds)) {
      Change change = {.id = id_of(series, history.runs[series.runs[step.first]].id), .step = step};
      if (const Acknowledged* known = find_acknowledged(acknowledged, history, series, step)) {
        change.is_acknowledged = true;
        change.note = known->note;
      }
      series.changes.push_back(std::move(change));
    }
  }
}

int worsening(const Series& series, const Change& change) {
  const double difference = change.step.after - change.step.before;
  if (series.metric->better == metrics::Better::neither || difference == 0.0) return 0;
  return (difference > 0.0) == (series.metric->better == metrics::Better::lower) ? 1 : -1;
}

std::vector<std::string> default_metrics() {
  std::set<std::string> names;
  for (const gate::Tolerance& tolerance : gate::default_rules().tolerances) {
    if (tolerance.metric != gate::speed_name) {
      names.insert(tolerance.metric);
      continue;
    }
    for (const task::Task& task : task::tasks()) names.emplace(task.speed_metric);
  }
  std::vector<std::string> in_order;
  for (const metrics::Metric& metric : metrics::metrics())
    if (names.contains(std::string(metric.name))) in_order.emplace_back(metric.name);
  return in_order;
}

Json to_json(std::span<const Acknowledged> acknowledged) {
  Json::Array items;
  for (const Acknowledged& one : acknowledged)
    items.push_back(Json::object({{"case", one.case_name},
                                  {"metric", one.metric},
                                  {"run", one.run_id},
                                  {"note", one.note}}));
  return items;
}

Result<std::vector<Acknowledged>> acknowledged_from(const Json& json) {
  if (!json.is_array() && !json.is_null())
    return fail(Errc::bad_input, "must be a list of acknowledged changes");
  std::vector<Acknowledged> all;
  for (const Json& item : json.as_array())
    all.push_back({item["case"].as_string(), item["metric"].as_string(), item["run"].as_string(),
                   item["note"].as_string()});
  return all;
}

}  // namespace qb::history
