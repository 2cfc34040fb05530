// `qbench publish`.
#include <cstdio>

#include "cli/commands.h"
#include "cli/sides.h"
#include "results/publish/mlflow.h"

namespace qb::cli {
namespace {

// Ids, the oldest first.
Result<std::vector<std::string>> runs_of(const std::filesystem::path& store,
                                         const PublishOptions& options) {
  if (!options.all) return options.runs.empty() ? std::vector<std::string>{""} : options.runs;
  if (!options.runs.empty()) return fail(Errc::bad_input, "--all are all runs: name none");
  QB_TRY(const std::vector<Run> runs, load_runs(store));
  std::vector<std::string> ids;
  for (const Run& run : runs)
    if (run.damage.empty()) ids.insert(ids.begin(), run.id);
  return ids;
}

Result<int> publish(const PublishOptions& options) {
  QB_TRY(const publish::MlflowSettings settings,
         publish::mlflow_settings(options.uri, system_environment()));
  QB_TRY(const std::filesystem::path store, store_path(options.store));
  QB_TRY(const std::vector<std::string> ids, runs_of(store, options));
  for (const std::string& id : ids) {
    QB_TRY(const report::Document document, load_side(store, id));
    const auto sent = publish::publish(document, report::render_html(document), settings);
    if (!sent) {
      refuse(fmt::format("{}: {}; run {} stays in the store, the same command sends it later",
                         settings.uri, sent.error().message, document.run.id));
      return exit_failed;
    }
    std::printf("%s: %zu cases sent, %zu were there already; %s\n", document.run.id.c_str(),
                sent->new_count, sent->known_count, sent->url.c_str());
    if (!sent->page_problem.empty())
      std::printf("  without the page: %s\n", sent->page_problem.c_str());
  }
  return exit_ok;
}

}  // namespace

int publish_runs(const PublishOptions& options) {
  const Result<int> code = publish(options);
  return code ? *code : refuse(code.error().message);
}

}  // namespace qb::cli
