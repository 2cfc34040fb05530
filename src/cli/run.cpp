// `qbench run`.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <random>

#include "base/clock.h"
#include "base/hash.h"
#include "base/output.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/rng.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/hub_rows.h"
#include "cli/interruption.h"
#include "cli/narrowing.h"
#include "cli/own_files.h"
#include "cli/own_images.h"
#include "cli/own_models.h"
#include "cli/own_text.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "cli/verdict.h"
#include "measurement/probes/host.h"
#include "measurement/record/frameworks.h"
#include "orchestration/campaign/campaign.h"
#include "orchestration/plan/estimate.h"
#include "orchestration/plan/own_files.h"
#include "orchestration/runner/frameworks.h"
#include "orchestration/spec/suite.h"
#include "results/metrics/metrics.h"
#include "results/report/report.h"
#include "results/store/store.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

// The name of one of the suites that come with qbench, whatever lies in the working folder, or a
// file.
Result<spec::Suite> find_suite(const std::string& name) {
  const fs::path folder = suites_folder();
  const fs::path file = folder / (name + ".toml");
  const bool is_name = name.find('/') == std::string::npos && fs::exists(file);
  if (is_name) return spec::load_suite(file);
  if (fs::exists(name)) return spec::load_suite(name);
  std::string known;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".toml")
      known += fmt::format("{}{}", known.empty() ? "" : " ", entry.path().stem().string());
  return fail(Errc::bad_input, "no suite \"{}\": neither a file nor one of: {}", name, known);
}

// "20261123-214016-3f2a9c04"
std::string make_run_id(uint64_t seed) {
  std::string digits;
  for (const char c : utc_timestamp())
    if (c >= '0' && c <= '9') digits += c;
  return fmt::format("{}-{}-{:08x}", digits.substr(0, 8), digits.substr(8, 6),
                     derive_seed(seed, fmt::format("{} {}", ::getpid(), now_ns())) & 0xffffffffu);
}

// What the command line changes of the suite.
Result<void> adjust(const RunOptions& options, spec::Suite& suite) {
  if (options.launches) {
    suite.protocol.launch_count = *options.launches;
    suite.protocol.launch_count_max = 0;
  }
  if (!options.budget.empty()) {
    QB_TRY(suite.protocol.budget_ns,
           with_context(spec::parse_duration(options.budget), "--budget"));
  }
  if (!options.cool_down.empty()) {
    QB_TRY(suite.protocol.cool_down_ns,
           with_context(spec::parse_duration(options.cool_down), "--cool-down"));
  }
  if (!options.memory_max.empty()) {
    QB_TRY(suite.protocol.memory_bytes_max,
           with_context(spec::parse_bytes(options.memory_max), "--memory-max"));
  }
  return {};
}

// The same as JSON, for resuming the run; the budget is that of one sitting and not kept.
Json to_json(const RunOptions& options) {
  const plan::Narrowing& n = options.narrowing;
  Json json = Json::object({{"models", Json::array_of(n.models)},
                            {"schemes", Json::array_of(n.schemes)},
                            {"frameworks", Json::array_of(n.frameworks)},
                            {"devices", Json::array_of(n.devices)},
                            {"blas", options.blas}});
  Json versions = Json::object({});
  for (const auto& [name, names] : n.versions) versions.set(name, Json::array_of(names));
  json.set("versions", std::move(versions));
  Json axes = Json::object({});
  for (const auto& [name, values] : n.axes) axes.set(name, Json::array_of(values));
  json.set("axes", std::move(axes));
  if (!options.own_models.empty()) json.set("own_models", Json::array_of(options.own_models));
  if (!options.files.empty())
    json.set("files", Json::array_of(options.files)).set("inputs", Json::array_of(options.inputs));
  if (!options.text.empty())
    json.set("text", options.text.string())
        .set("text_hash", hash_of_file(options.text).value_or(""));
  if (!options.images.empty())
    json.set("images", options.images.string()).set("images_hash", images_hash(options.images));
  if (options.launches) json.set("launches", *options.launches);
  if (!options.cool_down.empty()) json.set("cool_down", options.cool_down);
  if (!options.memory_max.empty()) json.set("memory_max", options.memory_max);
  return json;
}

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& item : list.as_array()) texts.push_back(item.as_string());
  return texts;
}

std::vector<double> numbers_of(const Json& list) {
  std::vector<double> numbers;
  for (const Json& item : list.as_array()) numbers.push_back(item.as_double());
  return numbers;
}

RunOptions with_options(RunOptions options, const Json& json) {
  options.narrowing = {.models = texts_of(json["models"]),
                       .schemes = texts_of(json["schemes"]),
                       .frameworks = texts_of(json["frameworks"]),
                       .devices = texts_of(json["devices"])};
  options.own_models = texts_of(json["own_models"]);
  options.files = texts_of(json["files"]);
  options.inputs = texts_of(json["inputs"]);
  options.text = json["text"].as_string();
  options.images = json["images"].as_string();
  for (const auto& [name, values] : json["axes"].as_object())
    options.narrowing.axes[name] = numbers_of(values);
  for (const auto& [name, names] : json["versions"].as_object())
    options.narrowing.versions[name] = texts_of(names);
  if (json["blas"].is_string()) options.blas = json["blas"].as_string();
  if (json["launches"].is_int() && !options.launches)  // or the run gets as many as asked for now
    options.launches = json["launches"].as_int();
  if (json["cool_down"].is_string()) options.cool_down = json["cool_down"].as_string();
  if (json["memory_max"].is_string()) options.memory_max = json["memory_max"].as_string();
  return options;
}

// A run to begin, or to go on with.
struct Undertaking {
  RunOptions options;
  spec::Suite suite;
  plan::Plan plan;
  Run run;
  std::vector<Record> earlier;
  std::vector<runner::Framework> frameworks;
};

Result<std::vector<runner::Framework>> find_frameworks(const RunOptions& options) {
  QB_TRY(const runner::BlasChoice blas, runner::parse_blas_choice(options.blas));
  QB_TRY(const fs::path cache, cache_folder());
  return runner::find_frameworks(cache / "logs" / "describe", blas);
}

// "pytorch" → "pytorch@2.13.0", "pytorch@2.14.1", where several versions are here.
std::map<std::string, std::vector<std::string>> versions_of(
    const std::vector<runner::Framework>& frameworks) {
  std::map<std::string, std::vector<std::string>> versions;
  for (const runner::Framework& framework : frameworks) {
    const std::string_view base = base_framework(framework.name);
    if (base != framework.name) versions[std::string(base)].push_back(framework.name);
  }
  return versions;
}

// A version that the run began with and that is no longer found.
void add_absent(const RunOptions& options, std::vector<runner::Framework>& frameworks) {
  for (const auto& [base, names] : options.narrowing.versions)
    for (const std::string& name : names)
      if (std::ranges::find(frameworks, name, &runner::Framework::name) == frameworks.end())
        frameworks.push_back({.name = name,
                              .title = name,
                              .reason = "this version is not here any more",
                              .remedy = "give the same --python as when the run began"});
}

bool is_quiet(const RunOptions& options) {
  return options.quiet || options.json || options.plan_only;
}

Result<void> check_same_text(const fs::path& text, const std::string& hash) {
  if (text.empty()) return {};
  QB_TRY(const std::string found, hash_of_file(text));
  if (found == hash) return {};
  return fail(Errc::bad_input, "{}: has changed since the run began: begin a new one",
              text.string());
}

// The suite where none is named.
std::string default_suite(const RunOptions& options) {
  if (!options.files.empty()) return "files";
  const auto& own = options.narrowing.own_models;
  return std::string(own.empty() ? "quick" : task::row_of(own.front().task).suite);
}

Result<Undertaking> begin(const RunOptions& given) {
  Undertaking u;
  QB_TRY(u.options, with_own(given));
  u.options.narrowing = without_repeats(std::move(u.options.narrowing));
  QB_TRY(u.options.narrowing.own_models, look_at(u.options.own_models, is_quiet(given)));
  const RunOptions& options = u.options;
  QB_TRY(u.suite, options.suite.empty()
                      ? spec::load_suite(suites_folder() / (default_suite(options) + ".toml"))
                      : find_suite(options.suite));
  QB_CHECK(adjust(options, u.suite));
  QB_CHECK(check_threads(options.narrowing, u.suite, available_threads()));
  u.run.seed = options.seed.value_or(std::random_device()());
  QB_TRY(u.frameworks, find_frameworks(options));
  u.options.narrowing.versions = versions_of(u.frameworks);
  QB_TRY(u.plan, plan_of(options, u.suite, u.run.seed));
  if (options.why_enough) plan::judge_quality_first(u.plan);
  QB_TRY(u.options.text, text_path(options.text));
  QB_TRY(u.options.images, images_path(options.images));
  QB_CHECK(find_all_weights(u.plan, options));
  QB_CHECK(check_text(options.text, u.plan, is_quiet(options)));
  QB_CHECK(check_images(options.images, u.plan, is_quiet(options)));
  u.run = {.id = make_run_id(u.run.seed),
           .started_at = utc_timestamp(),
           .suite_name = u.suite.name,
           .suite_text = u.suite.text,
           .seed = u.run.seed,
           .host = probes::describe_host(),
           .options = to_json(u.options)};
  return u;
}

// The same plan and seed as the run had, and what it measured.
Result<Undertaking> resume(const RunOptions& options) {
  if (!fs::exists(options.store))
    return fail(Errc::not_found, "{}: there is no store, so nothing to resume",
                options.store.string());
  QB_TRY(const store::Store store, store::Store::open_to_read(options.store));
  QB_TRY(const std::vector<Run> runs, store.load_runs());
  const auto found = options.resume == newest_run
                         ? runs.begin()
                         : std::ranges::find(runs, options.resume, &Run::id);
  if (found == runs.end())
    return fail(Errc::not_found, "{}: has no run {}", options.store.string(), options.resume);
  if (!found->damage.empty())
    return fail(Errc::bad_input, "{}: {}", options.store.string(), found->damage);
  Undertaking u = {.options = with_options(options, found->options), .run = *found};
  QB_TRY(u.suite, spec::parse_suite(found->suite_text, fmt::format("run {}", found->id)));
  QB_CHECK(adjust(u.options, u.suite));
  QB_TRY(u.options.files, plan::check_files(u.options.files));
  QB_TRY(u.options.narrowing.own_models, look_at(u.options.own_models, is_quiet(options)));
  QB_TRY(u.frameworks, find_frameworks(u.options));
  add_absent(u.options, u.frameworks);
  QB_TRY(u.plan, plan_of(u.options, u.suite, found->seed));
  QB_CHECK(check_same_text(u.options.text, found->options["text_hash"].as_string()));
  QB_CHECK(check_same_images(u.options.images, found->options["images_hash"].as_string()));
  QB_CHECK(find_all_weights(u.plan, u.options));
  QB_TRY(u.earlier, store.load_records(found->id));
  QB_CHECK(check_unchanged(u.plan, u.options.narrowing, u.earlier));
  return u;
}

Json plan_json(const plan::Plan& plan, int64_t estimated_ns) {
  Json::Array cases;
  Json::Array misfits;
  for (const plan::PlannedCase& planned : plan.cases) {
    cases.emplace_back(case_id(planned.subject));
    if (!planned.misfit.empty())
      misfits.push_back(
          Json::object({{"case", case_id(planned.subject)}, {"reason", planned.misfit}}));
  }
  return Json::object({{"cases", std::move(cases)},
                       {"skipped", std::move(misfits)},
                       {"to_fetch", Json::array_of(missing_weights(plan))},
                       {"launches", plan.launches.size()},
                       {"estimated_ns", estimated_ns}});
}

int print_plan(const plan::Plan& plan, const spec::Protocol& protocol, bool json) {
  const int64_t estimated_ns = plan::Estimate(plan, protocol).left_ns(0);
  if (json) {
    std::printf("%s\n", dump_json(plan_json(plan, estimated_ns), 1).c_str());
    return exit_ok;
  }
  for (const plan::PlannedCase& planned : plan.cases)
    say("{}{}\n", case_id(planned.subject),
        planned.misfit.empty() ? "" : "  skipped: " + planned.misfit);
  for (const std::string& line : missing_weights(plan)) say("{}\n", line);
  say("{} cases, {} launches, about {} once bundles are made\n", plan.cases.size(),
      plan.launches.size(), format_quantity(static_cast<double>(estimated_ns), "ns"));
  return exit_ok;
}

Result<fs::path> page_path(const RunOptions& options, const Run& run) {
  if (!options.output.empty()) return options.output;
  QB_TRY(const fs::path home, home_folder());
  return home / "reports" / (run.id + ".html");
}

// What went wrong beside the cases, and why the run ended early.
void print_ending(const spec::Protocol& protocol, const campaign::Summary& summary) {
  std::fflush(stdout);  // these lines come after the table where both go to one place
  for (const std::string& problem : summary.problems) refuse(problem);
  if (summary.ending == campaign::Ending::budget_spent)
    std::fprintf(stderr, "qbench: stopped at the budget of %s; --resume goes on\n",
                 format_quantity(static_cast<double>(protocol.budget_ns), "ns").c_str());
}

// Writes the page, then shows what there is.
Result<void> show(const Undertaking& u, const report::Document& document, const fs::path& page) {
  const RunOptions& options = u.options;
  QB_CHECK(write_output(page, report::render_html(document)));
  if (options.shows_nothing) return {};
  std::fputs((options.json ? report::render_json(document)
                           : report::render_terminal(document, layout_of_terminal(options.wide)))
                 .c_str(),
             stdout);
  if (!options.json)
    std::printf("report  %s\nstore   %s (run %s)\n", page.c_str(), options.store.c_str(),
                u.run.id.c_str());
  return {};
}

// Measures, saving each record as it grows, then shows what there is.
Result<int> measure(const Undertaking& u) {
  const RunOptions& options = u.options;
  QB_TRY(const fs::path page, page_path(options, u.run));
  QB_CHECK(check_output(page));
  QB_TRY(const fs::path cache, cache_folder());
  QB_TRY(store::Store store, store::Store::open(options.store));
  std::optional<EventLog> events;
  if (!options.events.empty()) {
    QB_TRY(events, EventLog::open(options.events, u.plan, u.suite.protocol));
    QB_CHECK(events->begin(u.run, u.plan));
  }
  if (u.earlier.empty()) QB_CHECK(store.save_run(u.run));
  const campaign::Settings settings = {.run_id = u.run.id,
                                       .seed = u.run.seed,
                                       .protocol = u.suite.protocol,
                                       .data_folder = data_folder(),
                                       .cache_folder = cache,
                                       .log_folder = cache / "logs" / u.run.id,
                                       .text_file = options.text,
                                       .images = options.images,
                                       .is_interrupted = &interruption(),
                                       .earlier = u.earlier,
                                       .why_enough = options.why_enough};
  Progress progress(options.quiet || options.json, u.plan, u.suite.protocol);
  campaign::Observer observer = progress.observer();
  if (events) observer = events->observer(observer);
  QB_TRY(const campaign::Summary summary,
         campaign::run_campaign(u.plan, settings, u.frameworks, observer,
                                [&](const Record& record) { return store.save_record(record); }));
  progress.finish();
  QB_TRY(std::vector<Record> records, store.load_records(u.run.id));
  const report::Document document = {u.run, std::move(records)};
  QB_CHECK(show(u, document, page));
  print_ending(u.suite.protocol, summary);
  Verdict verdict = judge(document.records, summary);
  if (events)
    if (const Result<void> told = events->end(name_of(summary.ending)); !told) {
      refuse(told.error().message);
      if (verdict.code == exit_ok) verdict.code = exit_failed;
    }
  if (!verdict.line.empty()) std::fprintf(stderr, "%s\n", verdict.line.c_str());
  return verdict.code;
}

}  // namespace

int run_suite(RunOptions options) {
  if (const Result<fs::path> store = store_path(options.store); store)
    options.store = *store;
  else
    return refuse(store.error().message);
  const Result<Undertaking> undertaking = options.resume.empty() ? begin(options) : resume(options);
  if (!undertaking) return refuse(undertaking.error().message);
  if (options.plan_only)
    return print_plan(undertaking->plan, undertaking->suite.protocol, options.json);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away ends no run
  watch_interruption();
  const Result<int> code = measure(*undertaking);
  return code ? *code : refuse(code.error().message);
}

}  // namespace qb::cli
