// `qbench gate`.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/file.h"
#include "base/output.h"
#include "cli/commands.h"
#include "cli/sides.h"
#include "cli/terminal.h"
#include "results/gate/tell.h"

namespace qb::cli {
namespace {

bool is_allowed(const GateOptions& options, std::string_view aspect) {
  if (aspect == "versions" && !options.against.empty()) return true;
  return std::ranges::find(options.allowed, aspect) != options.allowed.end();
}

Result<void> check_options(const GateOptions& options) {
  if (options.baseline.empty() && options.against.empty())
    return fail(Errc::bad_input,
                "say what to judge against: --baseline NAME, FILE or RUN (`qbench baseline set "
                "NAME` keeps one), or --against FRAMEWORK@VERSION of the same run");
  if (!options.baseline.empty() && !options.against.empty())
    return fail(Errc::bad_input, "--baseline and --against exclude each other");
  if (options.json && options.github)
    return fail(Errc::bad_input, "--json and --github both write to standard output: take one");
  for (const auto& path : {options.markdown, options.junit})
    if (!path.empty()) QB_CHECK(check_output(path));
  return {};
}

Result<gate::Rules> load_rules(const GateOptions& options) {
  if (options.tolerances.empty()) return gate::default_rules();
  QB_TRY(const std::string text, read_file(options.tolerances));
  return gate::parse_rules(text, options.tolerances.string());
}

// What differs may be what the user wants to judge; else it is no comparison.
Result<void> check_differences(const GateOptions& options, const LoadedSides& loaded) {
  if (options.against.empty() && loaded.before->run.id == loaded.after->run.id)
    return fail(Errc::bad_input, "run {} is the baseline itself; measure again first",
                loaded.after->run.id);
  for (const comparison::Difference& d : loaded.sides.differences)
    if (std::ranges::find(comparison::decisive_aspects(), d.aspect) !=
            comparison::decisive_aspects().end() &&
        !is_allowed(options, d.aspect))
      return fail(Errc::bad_input, "other {}: {}; --allow {} compares all the same", d.aspect,
                  d.text, d.aspect);
  return {};
}

Result<void> write_job_summary(const std::string& markdown) {
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (!path || !*path) return {};
  QB_TRY(OutputStream summary, OutputStream::open(path));
  return summary.write(markdown);
}

Result<void> print(const GateOptions& options, const gate::Report& report) {
  const sections::Blocks blocks = gate::blocks_of(report);
  const std::string markdown = report::markdown_of(blocks);
  if (options.json)
    std::printf("%s\n", dump_json(to_json(report), 1).c_str());
  else
    std::fputs(report::text_of(blocks, layout_of_terminal(options.wide)).c_str(), stdout);
  if (options.github) {
    std::fputs(gate::render_annotations(report).c_str(), stdout);
    QB_CHECK(write_job_summary(markdown));
  }
  if (!options.markdown.empty()) QB_CHECK(write_output(options.markdown, markdown));
  if (!options.junit.empty()) QB_CHECK(write_output(options.junit, gate::render_junit(report)));
  return {};
}

Result<int> judge(const GateOptions& options) {
  QB_CHECK(check_options(options));
  QB_TRY(const gate::Rules rules, load_rules(options));
  std::vector<std::string> names = {options.run};
  if (options.against.empty()) names.insert(names.begin(), options.baseline);
  QB_TRY(LoadedSides loaded, load_sides(options.store, names, options.against));
  QB_CHECK(check_differences(options, loaded));
  const bool may_miss = is_allowed(options, "missing");
  gate::Judgement judgement = gate::judge(loaded.sides.pairs, rules, may_miss);
  if (judgement.findings.empty())
    return fail(Errc::bad_input,
                "nothing to judge: no case that was measured before has a metric with a "
                "tolerance");
  const gate::Report report = {loaded.sides, rules, std::move(judgement)};
  QB_CHECK(print(options, report));
  switch (report.judgement.answer()) {
    case gate::GateAnswer::regression:
      return exit_failed;
    case gate::GateAnswer::undecided:
      return exit_undecided;
    case gate::GateAnswer::no_regression:
      return exit_ok;
  }
  return exit_ok;
}

}  // namespace

int judge_run(const GateOptions& options) {
  const Result<int> code = judge(options);
  return code ? *code : refuse(code.error().message);
}

}  // namespace qb::cli
