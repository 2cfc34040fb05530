// `qbench list` and `qbench report`.
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "base/output.h"
#include "base/paths.h"
#include "base/printable.h"
#include "cli/commands.h"
#include "cli/sides.h"
#include "cli/terminal.h"
#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"
#include "results/report/report.h"

namespace qb::cli {
namespace {

Result<report::Document> load_document(const RecordsOptions& options) {
  QB_TRY(const std::filesystem::path path, store_path(options.store));
  return load_run(path, options.run);
}

// What --format says; else the output's ending; else text.
Result<report::Format> format_of(const RecordsOptions& options) {
  std::string wanted = options.format;
  if (wanted.empty() && options.output.has_extension())
    wanted = options.output.extension().string().substr(1);
  if (wanted.empty()) wanted = "txt";
  std::vector<std::string_view> known;
  for (const report::Format& format : report::formats()) {
    if (format.name == wanted) return format;
    known.push_back(format.name);
  }
  return fail(Errc::bad_input, "{}: no format \"{}\"; known: {}", options.output.string(), wanted,
              fmt::join(known, " "));
}

Result<void> list_runs(const RecordsOptions& options) {
  QB_TRY(const std::filesystem::path path, store_path(options.store));
  QB_TRY(const std::vector<Run> runs, load_runs(path));
  Json::Array json;
  for (const Run& run : runs) {
    if (!options.json)
      std::printf("%s  %s  %s%s%s\n", run.id.c_str(), run.started_at.c_str(),
                  printable(run.suite_name).c_str(), run.damage.empty() ? "" : "  ",
                  printable(run.damage).c_str());
    json.push_back(Json::object({{"run", run.id},
                                 {"started_at", run.started_at},
                                 {"suite", run.suite_name},
                                 {"damage", run.damage}}));
  }
  if (options.json) std::printf("%s\n", dump_json(json, 1).c_str());
  return {};
}

}  // namespace

int list_records(const RecordsOptions& options) {
  if (options.runs) {
    const Result<void> listed = list_runs(options);
    return listed ? exit_ok : refuse(listed.error().message);
  }
  const Result<report::Document> document = load_document(options);
  if (!document) return refuse(document.error().message);
  if (options.json) {
    Json::Array records;
    for (const Record& record : document->records)
      records.push_back(report::to_json(record, false));
    std::printf("%s\n", dump_json(records, 1).c_str());
    return exit_ok;
  }
  std::printf("run %s, %s, suite %s\n", document->run.id.c_str(), document->run.started_at.c_str(),
              document->run.suite_name.c_str());
  for (const Record& record : document->records)
    std::printf("  %-14s %s%s%s\n", std::string(name_of(record.outcome)).c_str(),
                printable(case_id(record.subject)).c_str(), record.reason.empty() ? "" : ": ",
                printable(record.reason).c_str());
  return exit_ok;
}

int report_run(const RecordsOptions& options) {
  const Result<report::Format> format = format_of(options);
  if (!format) return refuse(format.error().message);
  const Result<report::Document> document = load_document(options);
  if (!document) return refuse(document.error().message);
  const report::Layout layout = options.output.empty() ? layout_of_terminal(options.wide)
                                                       : report::Layout{.is_wide = options.wide};
  const std::string text = format->render(*document, layout);
  if (options.output.empty()) {
    std::fputs(text.c_str(), stdout);
    return exit_ok;
  }
  const Result<void> written = write_output(options.output, text);
  return written ? exit_ok : refuse(written.error().message);
}

int explain_record(const ExplainOptions& options) {
  const Result<report::Document> document =
      load_document({.store = options.store, .run = options.run});
  if (!document) return refuse(document.error().message);
  std::vector<const Record*> matching;
  for (const Record& record : document->records) {
    const std::string id = case_id(record.subject);
    if (id == options.record) matching = {};
    if (id.find(options.record) != std::string::npos) matching.push_back(&record);
    if (id == options.record) break;
  }
  if (matching.empty())
    return refuse(fmt::format("run {} has no case \"{}\"; `qbench list` shows them",
                              document->run.id, options.record));
  if (matching.size() > 1)
    return refuse(fmt::format("\"{}\" may be {} or {}: name more of it", options.record,
                              case_id(matching[0]->subject), case_id(matching[1]->subject)));
  const std::string metric =
      options.metric.empty() ? std::string(metrics::speed_metric(*matching[0])) : options.metric;
  const Result<std::string> text = report::render_explanation(*matching[0], metric);
  if (!text) return refuse(text.error().message);
  std::fputs(printable_lines(*text).c_str(), stdout);
  return exit_ok;
}

Result<std::filesystem::path> store_path(const std::filesystem::path& given) {
  if (!given.empty()) return given;
  QB_TRY(const std::filesystem::path home, home_folder());
  return home / "results.db";
}

int refuse(const std::string& message, ExitCode code) {
  std::fprintf(stderr, "qbench: %s\n", printable(message).c_str());
  return code;
}

}  // namespace qb::cli
