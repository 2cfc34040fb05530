// `qbench recommend`.
#include "results/comparison/recommend.h"

#include <algorithm>
#include <cstdio>

#include "base/number.h"
#include "base/output.h"
#include "cli/commands.h"
#include "cli/sides.h"
#include "cli/terminal.h"
#include "orchestration/spec/suite.h"
#include "results/comparison/racing.h"
#include "stats/race.h"

namespace qb::cli {
namespace {

using comparison::Constraint;

// "6GB", "30ms", "0.99": in the unit of the metric.
Result<double> parse_bound(const std::string& text, const metrics::Metric& metric) {
  if (const auto number = parse_number<double>(text)) return *number;
  Result<int64_t> quantity = fail(Errc::bad_input, "\"{}\" is no number", text);
  if (metric.unit == "B") quantity = spec::parse_bytes(text);
  if (metric.unit == "ns") quantity = spec::parse_duration(text);
  if (!quantity) return tl::unexpected(quantity.error());
  return static_cast<double>(*quantity);
}

Result<Constraint> parse_constraint(const std::string& text, bool is_maximum) {
  const char* option = is_maximum ? "--max" : "--min";
  const size_t mark = text.find('=');
  if (mark == std::string::npos)
    return fail(Errc::bad_input, "{} {}: must be METRIC=VALUE, as in rss_bytes_peak=6GB", option,
                text);
  QB_TRY(const metrics::Metric* metric, find_metric(text.substr(0, mark)));
  QB_TRY(const double bound, with_context(parse_bound(text.substr(mark + 1), *metric),
                                          fmt::format("{} {}", option, metric->name)));
  return Constraint{metric, bound, is_maximum};
}

Result<std::vector<Constraint>> parse_constraints(const RecommendOptions& options) {
  std::vector<Constraint> constraints;
  for (const auto* texts : {&options.maxima, &options.minima})
    for (const std::string& text : *texts) {
      QB_TRY(const Constraint constraint, parse_constraint(text, texts == &options.maxima));
      constraints.push_back(constraint);
    }
  return constraints;
}

Result<const metrics::Metric*> parse_preferred(const std::string& name) {
  if (name.empty()) return nullptr;
  QB_TRY(const metrics::Metric* metric, find_metric(name));
  if (metric->better == metrics::Better::neither)
    return fail(Errc::bad_input, "--prefer {}: it has no better and worse", name);
  return metric;
}

// Measures the suite, and each case only as long as the answer is open because of it. The exit code
// of the run; exit_ok and exit_failed leave something to choose from.
int measure(const RecommendOptions& options, const std::vector<Constraint>& constraints,
            const metrics::Metric* preferred) {
  RunOptions run = options.run_options;
  run.store = options.store;
  run.quiet |= options.json;
  run.shows_nothing = true;
  if (!run.launches) run.launches = static_cast<int64_t>(stats::RaceRules().rounds_max);
  run.why_enough = [&](const std::vector<Record>& records, const Record& record, int64_t index) {
    return comparison::why_enough(records, record, index, constraints, preferred);
  };
  return run_suite(std::move(run));
}

Result<int> recommend(const RecommendOptions& options) {
  QB_TRY(const auto constraints, parse_constraints(options));
  QB_TRY(const metrics::Metric* preferred, parse_preferred(options.preferred));
  if (!options.markdown.empty()) QB_CHECK(check_output(options.markdown));
  if (options.measures && !options.run.empty())
    return fail(Errc::bad_input, "--run measures a new run: don't name run {} too", options.run);
  if (!options.measures && !options.run_options.budget.empty())
    return fail(Errc::bad_input, "--budget is of a run: it needs --run");
  if (options.measures)
    if (const int code = measure(options, constraints, preferred);
        code != exit_ok && code != exit_failed)
      return code;
  QB_TRY(const std::filesystem::path store, store_path(options.store));
  QB_TRY(const report::Document document, load_side(store, options.run));
  const auto all = comparison::recommend(document.records, constraints, preferred);
  if (all.empty()) return fail(Errc::bad_input, "run {} has no case", document.run.id);
  sections::Blocks blocks;
  Json::Array json;
  bool has_best = false;
  bool is_open = false;
  for (const comparison::Recommendation& one : all) {
    for (sections::Block& block : comparison::blocks_of(one)) blocks.push_back(std::move(block));
    json.push_back(to_json(one));
    has_best |= one.best() != nullptr;
    is_open |= one.is_open();
  }
  if (!options.markdown.empty())
    QB_CHECK(write_output(options.markdown, report::markdown_of(blocks)));
  if (options.json)
    std::printf("%s\n", dump_json(json, 1).c_str());
  else
    std::fputs(report::text_of(blocks, layout_of_terminal(options.wide)).c_str(), stdout);
  return has_best ? exit_ok : is_open ? exit_undecided : exit_failed;
}

}  // namespace

int recommend_case(const RecommendOptions& options) {
  const Result<int> code = recommend(options);
  return code ? *code : refuse(code.error().message);
}

}  // namespace qb::cli
