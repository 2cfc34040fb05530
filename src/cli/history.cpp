// `qbench history`.
#include "cli/history.h"

#include <algorithm>
#include <cstdio>

#include "base/file.h"
#include "base/output.h"
#include "cli/commands.h"
#include "cli/sides.h"
#include "cli/terminal.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

using history::Acknowledged;
using history::History;

fs::path acknowledged_path(fs::path store) { return store.replace_extension(".acknowledged.json"); }

Result<History> load_history(const fs::path& path, const HistoryOptions& options) {
  for (const std::string& name : options.metrics) QB_CHECK(find_metric(name));
  QB_TRY(History all, collect_history(path, options.metrics, options.part));
  QB_TRY(const std::vector<Acknowledged> acknowledged, load_acknowledged(path));
  history::find_changes(
      all, options.is_nightly ? stats::step_bounds_of_a_night : stats::step_bounds_of_a_page,
      acknowledged);
  return all;
}

Result<void> acknowledge(const fs::path& store, const History& all, const HistoryOptions& options) {
  QB_TRY(std::vector<Acknowledged> acknowledged, load_acknowledged(store));
  for (const history::Series& series : all.series)
    for (const history::Change& change : series.changes) {
      if (change.id != options.acknowledged) continue;
      acknowledged.push_back({case_id(series.subject), std::string(series.metric->name),
                              all.runs[series.runs[change.step.first]].id, options.note});
      QB_CHECK(write_file_atomically(acknowledged_path(store),
                                     dump_json(history::to_json(acknowledged), 1) + "\n"));
      std::printf("%s: acknowledged\n", change.id.c_str());
      return {};
    }
  return fail(Errc::not_found, "no change {}; `qbench history` shows the ids",
              options.acknowledged);
}

Result<void> show(const HistoryOptions& options) {
  if (!options.markdown.empty()) QB_CHECK(check_output(options.markdown));
  QB_TRY(const fs::path store, store_path(options.store));
  QB_TRY(const History all, load_history(store, options));
  if (!options.acknowledged.empty()) return acknowledge(store, all, options);
  std::vector<history::Turn> turns = history::turns_of(all, options.shows_acknowledged);
  for (history::Turn& turn : turns) QB_CHECK(find_causes(store, all, turn));
  const sections::Blocks blocks = history::blocks_of(all, turns);
  if (!options.markdown.empty())
    QB_CHECK(write_output(options.markdown, report::markdown_of(blocks)));
  if (options.json)
    std::printf("%s\n", dump_json(history::to_json(all, turns), 1).c_str());
  else
    std::fputs(report::text_of(blocks, layout_of_terminal(options.wide)).c_str(), stdout);
  return {};
}

}  // namespace

Result<History> collect_history(const fs::path& path, const std::vector<std::string>& metrics,
                                const std::string& part) {
  QB_TRY(const store::Store store, open_store(path));
  QB_TRY(std::vector<Run> runs, store.load_runs());
  QB_TRY(std::vector<store::Figure> figures,
         with_context(store.load_figures(metrics.empty() ? history::default_metrics() : metrics),
                      path.string()));
  std::erase_if(figures, [&](const store::Figure& figure) {
    return case_id(figure.subject).find(part) == std::string::npos;
  });
  if (figures.empty() && !part.empty())
    return fail(Errc::bad_input, "no figure of a case with \"{}\" in its id", part);
  return history::collect(std::move(runs), figures);
}

Result<std::vector<Acknowledged>> load_acknowledged(const fs::path& store) {
  const fs::path path = acknowledged_path(store);
  std::error_code error;
  if (!fs::exists(path, error)) return std::vector<Acknowledged>();
  QB_TRY(const std::string text, read_file(path));
  QB_TRY(const Json json, with_context(parse_json(text), path.string()));
  return with_context(history::acknowledged_from(json), path.string());
}

Result<void> find_causes(const fs::path& store, const History& all, history::Turn& turn) {
  QB_TRY(report::Document before, load_run(store, all.runs[turn.before].id));
  QB_TRY(report::Document first, load_run(store, all.runs[turn.first].id));
  for (report::Document* document : {&before, &first})
    std::erase_if(document->records, [&](const Record& record) {
      return std::ranges::none_of(turn.items, [&](const history::Turn::Item& item) {
        return item.series->subject == record.subject;
      });
    });
  turn.differences =
      comparison::find_differences(before, first, comparison::pair_runs(before, first));
  return {};
}

int show_history(const HistoryOptions& options) {
  const Result<void> done = show(options);
  return done ? exit_ok : refuse(done.error().message);
}

}  // namespace qb::cli
