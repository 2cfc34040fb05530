#include "cli/verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/number.h"
#include "base/parallel.h"
#include "results/report/report.h"

namespace qb::cli {
namespace {

void add_json(CLI::App& verb, bool& json) {
  verb.add_flag("--json", json, "For machines: JSON with raw numbers");
}

void add_wide(CLI::App& verb, bool& wide) {
  verb.add_flag("--wide", wide, "Every column and note, however long the lines get");
}

// What is wrong with a value of the axis; empty: nothing.
std::string complaint_of(const task::Axis& axis, const std::string& text) {
  const auto value = parse_number<double>(text);
  if (!value) return fmt::format("\"{}\" is no number", text);
  if (!axis.default_value) return {};  // the machine's limits are told where they are known
  const auto checked = task::check(axis, *value);
  return checked ? std::string() : checked.error().message;
}

void add_narrowing(CLI::App& verb, RunOptions& options) {
  plan::Narrowing& n = options.narrowing;
  const auto list = [&](const char* name, auto& target, const char* help) {
    return verb.add_option(name, target, help)->delimiter(',');
  };
  // Split by plan::split_models: a file's name may have commas.
  verb.add_option("--model", n.models,
                  "Only these models of the suite; or your own: a Hugging Face folder, a .gguf or "
                  "ORG/NAME of a hub, which is fetched when you say so; or files of a framework "
                  "(.onnx .pt2 .pt "
                  ".mlxfn), whose outputs are compared when there are several");
  verb.add_option(
      "--adapter", options.adapter,
      "A folder with a LoRA adapter (PEFT or mlx-lm) for the models that --model names: "
      "fused into their weights and, in schemes with +lora, beside them");
  verb.add_option("--input", options.inputs,
                  "Of model files: NAME=SHAPE:TYPE:VALUES, as in x=1x3x224x224:f32 or "
                  "ids=1x128:i64:0..30521, or NAME=FILE.npy; what is left away is the file's")
      ->allow_extra_args(false);
  list("--scheme", n.schemes, "These schemes instead of the suite's; \"all\" for every one");
  list("--framework", n.frameworks, "These frameworks instead of the suite's");
  list("--device", n.devices, "These devices instead of the suite's");
  for (const task::Axis* axis : task::axes()) {
    const std::string help = fmt::format("These {} instead of the suite's", axis->summary);
    list(task::flag_of(*axis).c_str(), n.axes[std::string(axis->name)], help.c_str())
        ->check([axis](const std::string& text) { return complaint_of(*axis, text); });
  }
}

void add_run(CLI::App& app, RunOptions& options) {
  CLI::App& run = *app.add_subcommand("run", "Measure a suite, show a table, write a report");
  run.add_option(
      "suite", options.suite,
      "A suite's name or file; quick when not given, embedding for encoders of sentences, "
      "files for model files");
  add_narrowing(run, options);
  run.add_option("--budget", options.budget, "Stop starting launches after this long, as in 10m");
  run.add_option("--cool-down", options.cool_down,
                 "Pause before each launch, as in 30s; longer while macOS tells of thermal "
                 "pressure");
  run.add_option("--memory-max", options.memory_max, "Of each worker, as in 6GB");
  run.add_option("--launches", options.launches, "Fresh processes for each case")
      ->check(CLI::Range(1, 1000));
  run.add_option("--seed", options.seed, "Of the order of launches and the inputs");
  run.add_option("--blas", options.blas,
                 "\"as-shipped\": measure frameworks with the BLAS they come with, even where a "
                 "fast one is preloaded otherwise (MLX on Linux)")
      ->check(CLI::IsMember({"fast", "as-shipped"}))
      ->capture_default_str();
  run.add_option("--store", options.store,
                 "The results file; $QBENCH_HOME/results.db when not given");
  run.add_option("-o,--output", options.output, "The HTML page to write");
  run.add_option("--resume", options.resume,
                 "Go on with a run that was interrupted, or with --launches make more of its "
                 "launches: its id, or the newest")
      ->expected(0, 1)
      ->default_str(newest_run);
  run.add_option("--events", options.events, "A file to write progress to, as JSON lines");
  run.add_option("--text", options.text,
                 "Judge language models on this text (UTF-8) instead of the built-in one");
  run.add_option(
      "--images", options.images,
      "Judge networks of pictures on these instead of the built-in ones: a folder with a "
      "folder of PNGs and JPEGs for each class, or a CSV of file,label");
  run.add_flag("--yes", options.yes, "Fetch what is not here of a hub's models without asking");
  run.add_flag("--plan-only", options.plan_only, "Print the cases and measure nothing");
  run.add_flag("--quiet", options.quiet, "No progress");
  add_wide(run, options.wide);
  add_json(run, options.json);
}

void add_records(CLI::App& app, RecordsOptions& options) {
  CLI::App& list = *app.add_subcommand("list", "The runs of a store, or the records of one run");
  CLI::App& report = *app.add_subcommand("report", "Show a run again, in any format");
  for (CLI::App* verb : {&list, &report}) {
    verb->add_option("--store", options.store,
                     "The results file; $QBENCH_HOME/results.db when not given");
    verb->add_option("--run", options.run, "The run's id; the newest when not given");
  }
  list.add_flag("--runs", options.runs, "The store's runs, the newest first");
  add_json(list, options.json);
  std::vector<std::string> names;
  for (const report::Format& format : report::formats()) names.emplace_back(format.name);
  report.add_option("--format", options.format, "How")->check(CLI::IsMember(names));
  add_wide(report, options.wide);
  report.add_option("-o,--output", options.output,
                    "Where; its ending decides the format when none is given");
}

void add_store(CLI::App& verb, std::filesystem::path& store) {
  verb.add_option("--store", store, "The results file; $QBENCH_HOME/results.db when not given");
}

// Of what compares two sides.
template <typename Options>
void add_sides(CLI::App& verb, Options& options) {
  add_store(verb, options.store);
  verb.add_option("--against", options.against,
                  "Within one run that measured two versions of a framework: the one that was "
                  "there before, as in pytorch@2.9.1");
  verb.add_option("--markdown", options.markdown, "A file to write the same to, as Markdown");
  add_wide(verb, options.wide);
  add_json(verb, options.json);
}

void add_compare(CLI::App& app, CompareOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "compare", "Two runs, figure by figure: faster, slower, the same, or can't tell");
  verb.add_option("runs", options.sides,
                  "The one before and the one now, the newest when not given: a run's id or its "
                  "beginning, STORE or STORE#RUN, a baseline's name or file")
      ->expected(0, 2);
  add_sides(verb, options);
  verb.add_option("--metric", options.metrics, "These, see `qbench metrics`; or the table's")
      ->delimiter(',');
  verb.add_option("--run-noise", options.run_noise,
                  "How much a run's times differ from another's, as in \"1 %\": one standard "
                  "deviation; 3 % when not given");
}

void add_gate(CLI::App& app, GateOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "gate", "A run against a baseline: exit 0 no regression, 1 regression, 3 can't tell yet");
  verb.add_option("run", options.run,
                  "The run that is judged, as `qbench compare` has it; the newest");
  verb.add_option("--baseline", options.baseline,
                  "What it is judged against: a baseline's name or file, or a run");
  verb.add_option("--tolerances", options.tolerances,
                  "A TOML file: how much worse each metric may be, see docs/ci.md");
  verb.add_option("--allow", options.allowed, "What may differ from the baseline all the same")
      ->delimiter(',')
      ->check(CLI::IsMember(
          std::vector<std::string>{"machine", "versions", "weights", "bundle", "data", "missing"}));
  verb.add_option("--junit", options.junit, "A file to write a test report to");
  verb.add_flag("--github", options.github,
                "Annotations on standard output, and the job's summary in $GITHUB_STEP_SUMMARY");
  add_sides(verb, options);
}

void add_baseline(CLI::App& app, BaselineOptions& options) {
  CLI::App& verb = *app.add_subcommand("baseline", "The baselines of a store, or a new one");
  verb.require_subcommand(0, 1);
  CLI::App& set = *verb.add_subcommand("set", "Keep a run's figures under a name");
  set.add_option("name", options.name, "A plain word")->required();
  set.add_option("run", options.run, "The run, as `qbench compare` has it; the newest");
  CLI::App& exported = *verb.add_subcommand("export", "Write one as a small file");
  exported.add_option("name", options.name, "Its name")->required();
  exported.add_option("file", options.output, "The file, to lie in git say")->required();
  for (CLI::App* one : {&verb, &set, &exported}) add_store(*one, options.store);
  add_json(verb, options.json);
}

void add_recommend(CLI::App& app, RecommendOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "recommend", "The best case of a run under constraints, and why the others fell out");
  verb.add_option("run", options.run, "The run, as `qbench compare` has it; the newest");
  verb.add_option("--max", options.maxima,
                  "METRIC=VALUE: no more than that, as in rss_bytes_peak=6GB")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb.add_option("--min", options.minima,
                  "METRIC=VALUE: no less than that, as in top1_agreement=0.99")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb.add_option("--prefer", options.preferred,
                  "The metric that decides among those that fulfil all; the speed when not given");
  verb.add_option_function<std::string>(
          "--run",
          [&options](const std::string& suite) {
            options.measures = true;
            options.run_options.suite = suite;
          },
          "Measure this suite first, quick when not named, each case only as long as the answer "
          "is open")
      ->expected(0, 1);
  add_narrowing(verb, options.run_options);
  verb.add_option("--budget", options.run_options.budget,
                  "Of --run: stop starting launches after this long, as in 10m");
  verb.add_flag("--quiet", options.run_options.quiet, "Of --run: no progress");
  add_store(verb, options.store);
  verb.add_option("--markdown", options.markdown, "A file to write the same to, as Markdown");
  add_wide(verb, options.wide);
  add_json(verb, options.json);
}

void add_history(CLI::App& app, HistoryOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "history",
      "Each figure over all runs of this machine: where it changed for good, and what "
      "changed with it");
  verb.add_option("--metric", options.metrics,
                  "These, see `qbench metrics`; those that the gate judges when not given")
      ->delimiter(',');
  verb.add_option("--case", options.part, "Only cases with this in their id");
  CLI::Option* id = verb.add_option("--acknowledge", options.acknowledged,
                                    "The id of a change that is not to be shown again");
  verb.add_option("--note", options.note, "Why, kept with it")->needs(id);
  verb.add_flag("--all", options.shows_acknowledged, "Those that were acknowledged too");
  verb.add_flag("--nightly", options.is_nightly,
                "Stricter, for who looks each night: a tenth of a false alarm a figure and year");
  add_store(verb, options.store);
  verb.add_option("--markdown", options.markdown, "A file to write the same to, as Markdown");
  add_wide(verb, options.wide);
  add_json(verb, options.json);
}

void add_publish(CLI::App& app, PublishOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "publish", "Send runs to an MLflow server: what is there already is not sent again");
  verb.add_option("runs", options.runs, "The runs, as `qbench compare` has them; the newest");
  verb.add_flag("--all", options.all, "Every run of the store");
  verb.add_option("--mlflow", options.uri,
                  "The server's address, as in http://127.0.0.1:5000; $MLFLOW_TRACKING_URI when "
                  "not given. Who you are is taken from MLflow's own variables");
  add_store(verb, options.store);
}

void add_nightly(CLI::App& app, NightlyOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "nightly",
      "For a timer: wait for a quiet machine, measure, look at the history, publish, tell");
  verb.add_option("suite", options.run.suite, "As of `qbench run`; quick when not given");
  add_narrowing(verb, options.run);
  verb.add_option("--budget", options.run.budget,
                  "Stop starting launches after this long, as in 2h");
  verb.add_option("--launches", options.run.launches, "Fresh processes for each case")
      ->check(CLI::Range(1, 1000));
  verb.add_option("--wait", options.wait,
                  "For mains power, no thermal pressure and an idle machine, at most; then it "
                  "measures nothing and exits with 3")
      ->capture_default_str();
  verb.add_option("--mlflow", options.mlflow, "Publish to this server, see `qbench publish`");
  verb.add_option("--webhook", options.webhook,
                  "Post {\"text\": …} to this address when something changed or failed");
  verb.add_option("--keep-logs", options.kept_logs, "Of so many runs; 0 keeps all")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  add_store(verb, options.run.store);
  verb.add_flag("--quiet", options.run.quiet, "No progress");
  add_wide(verb, options.run.wide);
}

void add_explain(CLI::App& app, ExplainOptions& options) {
  CLI::App& verb =
      *app.add_subcommand("explain", "How one figure came to be, from raw samples to its interval");
  verb.add_option("case", options.record, "A case's id, or a part of it that no other has")
      ->required();
  verb.add_option("--metric", options.metric, "See `qbench metrics`; the speed when not given");
  verb.add_option("--store", options.store,
                  "The results file; $QBENCH_HOME/results.db when not given");
  verb.add_option("--run", options.run, "The run's id; the newest when not given");
}

void add_quantize(CLI::App& app, QuantizeOptions& options) {
  CLI::App& verb =
      *app.add_subcommand("quantize", "Quantize a model and show what each layer lost");
  verb.add_option("model", options.model,
                  "A model's name, see `qbench zoo`, or one of your own: see run --model")
      ->required();
  verb.add_option("--scheme", options.scheme, "A scheme's name, see `qbench schemes`")->required();
  verb.add_option("-o,--output", options.output, "A new folder for the bundle");
  verb.add_option("--threads", options.thread_count, "Threads to work with; all when not given")
      ->check(CLI::Range(int64_t{1}, available_threads()));
  verb.add_flag("--quiet", options.quiet, "No progress");
  add_json(verb, options.json);
}

void add_export(CLI::App& app, ExportOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "export", "Write a quantized model as a framework's own package, to be run without qbench");
  verb.add_option("model", options.model,
                  "A model's name, see `qbench zoo`, or one of your own: see run --model")
      ->required();
  verb.add_option("--scheme", options.scheme, "A scheme's name, see `qbench schemes`")->required();
  verb.add_option("--framework", options.framework,
                  "The framework whose package it is; `qbench frameworks` says which emit any")
      ->required();
  verb.add_option(
      "--target", options.target,
      "What the package is for, in the framework's words: of MLX, cpu or gpu; of Core ML, "
      "ios17, ios18, ios26, macos14, macos15, macos26, and :f16 or :f32 behind it");
  verb.add_option(
          "--extent", options.extents,
          "NAME=N: a dimension that the package has fixed, as in batch=4; batch is 1. Core ML "
          "takes several of one name, and has a function for each")
      ->delimiter(',');
  verb.add_option("-o,--output", options.output, "A new folder for the package")->required();
  verb.add_option("--threads", options.thread_count, "Threads to quantize with; all when not given")
      ->check(CLI::Range(int64_t{1}, available_threads()));
  verb.add_flag("--quiet", options.quiet, "No progress");
  add_json(verb, options.json);
}

void add_fetch(CLI::App& app, FetchOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "fetch", "Fetch a model from a hub, after saying what and how large; prints its folder");
  verb.add_option("name", options.name, "ORG/NAME or ORG/NAME@REVISION, as in Qwen/Qwen3-0.6B")
      ->required();
  verb.add_option("--file", options.files,
                  "Only this file of the repository, one .gguf of several say; may be repeated")
      ->allow_extra_args(false);
  verb.add_flag("--yes", options.yes, "Fetch without asking");
  verb.add_flag("--quiet", options.quiet, "No plan and no progress");
}

void add_serve(CLI::App& app, ServeOptions& options) {
  CLI::App& verb =
      *app.add_subcommand("serve", "A dashboard over all runs of a store, in a browser");
  add_store(verb, options.store);
  verb.add_option("--port", options.port, "Where to be asked; 0 for any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  verb.add_option(
          "--address", options.address,
          "Of this machine, where to be asked; whoever reaches another than the default can "
          "read the store")
      ->capture_default_str();
  verb.add_option("--host", options.hosts,
                  "A further name with its port by which browsers may call it, as in lab:7300")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void add_merge(CLI::App& app, MergeOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "merge", "What other stores have, into one; what it has already is left as it is");
  verb.add_option("target", options.target, "The store that grows")->required();
  verb.add_option("sources", options.sources, "The stores that are read")->required();
}

struct Listing {
  const char* name;
  const char* help;
  int (*command)(bool);
};

constexpr Listing listings[] = {
    {"doctor", "What is here, what is not, why, and the remedy", doctor},
    {"zoo", "The models", list_models},
    {"schemes", "The quantization schemes", list_schemes},
    {"frameworks", "The frameworks", list_frameworks},
    {"metrics", "The metrics", list_metrics},
};

}  // namespace

void add_verbs(CLI::App& app, VerbOptions& options) {
  add_run(app, options.run);
  add_quantize(app, options.quantize);
  add_export(app, options.exported);
  add_fetch(app, options.fetched);
  add_explain(app, options.explain);
  add_records(app, options.records);
  add_compare(app, options.compared);
  add_gate(app, options.gated);
  add_recommend(app, options.recommended);
  add_baseline(app, options.baseline);
  add_history(app, options.history);
  add_publish(app, options.published);
  add_nightly(app, options.nightly);
  add_serve(app, options.served);
  add_merge(app, options.merged);
  for (const Listing& listing : listings)
    add_json(*app.add_subcommand(listing.name, listing.help), options.json);
}

int carry_out(const CLI::App& app, const VerbOptions& options) {
  if (app.got_subcommand("run")) return run_suite(options.run);
  if (app.got_subcommand("explain")) return explain_record(options.explain);
  if (app.got_subcommand("quantize")) return quantize_model(options.quantize);
  if (app.got_subcommand("export")) return export_model(options.exported);
  if (app.got_subcommand("fetch")) return fetch_model(options.fetched);
  if (app.got_subcommand("list")) return list_records(options.records);
  if (app.got_subcommand("report")) return report_run(options.records);
  if (app.got_subcommand("compare")) return compare_runs(options.compared);
  if (app.got_subcommand("gate")) return judge_run(options.gated);
  if (app.got_subcommand("recommend")) return recommend_case(options.recommended);
  if (app.got_subcommand("history")) return show_history(options.history);
  if (app.got_subcommand("publish")) return publish_runs(options.published);
  if (app.got_subcommand("nightly")) return run_nightly(options.nightly);
  if (app.got_subcommand("serve")) return serve_dashboard(options.served);
  if (app.got_subcommand("merge")) return merge_stores(options.merged);
  if (const CLI::App* verb = app.get_subcommand("baseline"); *verb)
    return verb->got_subcommand("set")      ? set_baseline(options.baseline)
           : verb->got_subcommand("export") ? export_baseline(options.baseline)
                                            : list_baselines(options.baseline);
  for (const Listing& listing : listings)
    if (app.got_subcommand(listing.name)) return listing.command(options.json);
  return exit_usage;
}

}  // namespace qb::cli
