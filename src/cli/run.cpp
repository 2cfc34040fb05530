// `qbench run`.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <random>

#include "base/clock.h"
#include "base/file.h"
#include "base/paths.h"
#include "base/rng.h"
#include "base/units.h"
#include "campaign/campaign.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "metrics/metrics.h"
#include "probes/host.h"
#include "report/report.h"
#include "runner/frameworks.h"
#include "spec/suite.h"
#include "store/store.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

std::atomic<bool> is_interrupted = false;

// The first Ctrl-C stops the run and keeps what was measured; the second ends the program.
void on_interrupt(int signal) {
  is_interrupted = true;
  ::signal(signal, SIG_DFL);
}

// A file, or the name of one of the suites that come with qbench.
Result<spec::Suite> find_suite(const std::string& name) {
  if (fs::exists(name)) return spec::load_suite(name);
  const fs::path folder = suites_folder();
  const fs::path file = folder / (name + ".toml");
  if (fs::exists(file)) return spec::load_suite(file);
  std::string known;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".toml")
      known += fmt::format("{}{}", known.empty() ? "" : " ", entry.path().stem().string());
  return fail(Errc::bad_input, "no suite \"{}\": neither a file nor one of: {}", name, known);
}

Result<spec::Suite> adjusted_suite(const RunOptions& options) {
  QB_TRY(spec::Suite suite, find_suite(options.suite));
  if (options.launches) suite.protocol.launch_count = *options.launches;
  if (!options.budget.empty()) {
    QB_TRY(suite.protocol.budget_ns,
           with_context(spec::parse_duration(options.budget), "--budget"));
  }
  return suite;
}

// "20261123-214016-3f2a"
std::string make_run_id(uint64_t seed) {
  std::string digits;
  for (const char c : utc_timestamp())
    if (c >= '0' && c <= '9') digits += c;
  return fmt::format("{}-{}-{:04x}", digits.substr(0, 8), digits.substr(8, 6),
                     derive_seed(seed, fmt::format("{} {}", ::getpid(), now_ns())) & 0xffffu);
}

int print_plan(const plan::Plan& plan, bool json) {
  Json::Array cases;
  for (const plan::PlannedCase& planned : plan.cases) {
    if (json)
      cases.emplace_back(case_id(planned.subject));
    else
      std::printf("%s\n", case_id(planned.subject).c_str());
  }
  if (json)
    std::printf(
        "%s\n",
        dump_json(Json::object({{"cases", std::move(cases)}, {"launches", plan.launches.size()}}),
                  1)
            .c_str());
  else
    std::printf("%zu cases, %zu launches\n", plan.cases.size(), plan.launches.size());
  return exit_ok;
}

fs::path page_path(const RunOptions& options, const Run& run) {
  return options.output.empty() ? home_folder() / "reports" / (run.id + ".html") : options.output;
}

Result<void> write_page(const fs::path& path, const report::Document& document) {
  std::error_code ignored;
  if (!path.parent_path().empty()) fs::create_directories(path.parent_path(), ignored);
  return write_file_atomically(path, report::render_html(document));
}

// Measures, saving each record as it grows, then shows what there is.
Result<int> measure(const RunOptions& options, const spec::Suite& suite, const plan::Plan& plan,
                    uint64_t seed) {
  QB_TRY(store::Store store, store::Store::open(options.store));
  const Run run = {.id = make_run_id(seed),
                   .started_at = utc_timestamp(),
                   .suite_name = suite.name,
                   .suite_text = suite.text,
                   .seed = seed,
                   .host = probes::describe_host()};
  QB_CHECK(store.save_run(run));
  const campaign::Settings settings = {.run_id = run.id,
                                       .seed = seed,
                                       .protocol = suite.protocol,
                                       .data_folder = data_folder(),
                                       .cache_folder = cache_folder(),
                                       .log_folder = cache_folder() / "logs" / run.id,
                                       .is_interrupted = &is_interrupted};
  const auto frameworks = runner::find_frameworks(settings.log_folder);
  Progress progress(options.quiet || options.json);
  const campaign::Observer observer = progress.observer();
  QB_TRY(const campaign::Summary summary,
         campaign::run_campaign(plan, settings, frameworks, observer,
                                [&](const Record& record) { return store.save_record(record); }));
  progress.finish();
  QB_TRY(std::vector<Record> records, store.load_records(run.id));
  const report::Document document = {run, std::move(records)};
  const fs::path page = page_path(options, run);
  std::fputs(
      (options.json ? report::render_json(document) : report::render_terminal(document)).c_str(),
      stdout);
  QB_CHECK(write_page(page, document));
  if (!options.json)
    std::printf("report  %s\nstore   %s (run %s)\n", page.c_str(), options.store.c_str(),
                run.id.c_str());
  for (const std::string& problem : summary.problems) refuse(problem);
  if (summary.ending == campaign::Ending::budget_spent)
    std::fprintf(stderr, "qbench: stopped at the budget of %s\n",
                 format_quantity(static_cast<double>(suite.protocol.budget_ns), "ns").c_str());
  if (summary.ending == campaign::Ending::interrupted) return exit_interrupted;
  return summary.problems.empty() ? exit_ok : exit_usage;
}

}  // namespace

int run_suite(const RunOptions& options) {
  const Result<spec::Suite> suite = adjusted_suite(options);
  if (!suite) return refuse(suite.error().message);
  const uint64_t seed = options.seed.value_or(std::random_device()());
  const Result<plan::Plan> plan =
      plan::build_plan(*suite, options.narrowing, probes::physical_core_count(), seed);
  if (!plan) return refuse(plan.error().message);
  if (options.plan_only) return print_plan(*plan, options.json);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  const Result<int> code = measure(options, *suite, *plan, seed);
  return code ? *code : refuse(code.error().message);
}

}  // namespace qb::cli
