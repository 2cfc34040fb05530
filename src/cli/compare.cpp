// `qbench compare`.
#include <cstdio>

#include "base/number.h"
#include "base/output.h"
#include "cli/commands.h"
#include "cli/sides.h"
#include "cli/terminal.h"
#include "results/comparison/tell.h"

namespace qb::cli {
namespace {

Result<comparison::Shifts> shifts_of(const std::string& run_noise) {
  comparison::Shifts shifts;
  if (run_noise.empty()) return shifts;
  const auto share = parse_percent(run_noise);
  if (!share || *share < 0.0 || *share > 1.0)
    return fail(Errc::bad_input, "--run-noise: \"{}\" is no share such as \"1 %\"", run_noise);
  shifts.run = *share;
  return shifts;
}

Result<int> compare_sides(const CompareOptions& options) {
  for (const std::string& name : options.metrics) QB_CHECK(find_metric(name));
  QB_TRY(const comparison::Shifts shifts, shifts_of(options.run_noise));
  if (!options.markdown.empty()) QB_CHECK(check_output(options.markdown));
  QB_TRY(const LoadedSides loaded, load_sides(options.store, options.sides, options.against));
  const comparison::Sides& sides = loaded.sides;
  const auto comparisons = comparison::compare(sides.pairs, options.metrics, shifts);
  const sections::Blocks blocks = comparison::blocks_of(sides, comparisons, shifts);
  if (!options.markdown.empty())
    QB_CHECK(write_output(options.markdown, report::markdown_of(blocks)));
  if (!options.json) {
    std::fputs(report::text_of(blocks, layout_of_terminal(options.wide)).c_str(), stdout);
    return exit_ok;
  }
  Json json = comparison::to_json(sides);
  Json::Array items;
  for (const comparison::Comparison& c : comparisons) items.push_back(to_json(c));
  json.set("comparisons", std::move(items));
  std::printf("%s\n", dump_json(json, 1).c_str());
  return exit_ok;
}

}  // namespace

int compare_runs(const CompareOptions& options) {
  const Result<int> code = compare_sides(options);
  return code ? *code : refuse(code.error().message);
}

}  // namespace qb::cli
