// The program's verbs: one file each, or a few small ones together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "orchestration/plan/plan.h"

namespace qb::cli {

// The exit codes are part of the interface.
enum ExitCode : int {
  exit_ok = 0,
  exit_failed = 1,        // a case failed, none could be measured, or output was lost
  exit_usage = 2,         // usage or bad input
  exit_undecided = 3,     // of the gate: too little is known
  exit_interrupted = 130  // everything measured is kept
};

inline constexpr const char* newest_run = "newest";

struct RunOptions {
  std::string resume;  // a run's id, or newest_run; "" begins a new one
  std::string suite;   // a name below suites/, or a file; "" for quick, or for files
  plan::Narrowing narrowing;
  std::vector<std::string> files;  // of the narrowing's models, those that are the user's own files
  std::vector<std::string> own_models;  // of them too, the user's own, see cli/own_models.h
  std::string adapter;                  // a LoRA adapter's folder, on all of the narrowing's models
  std::vector<std::string> inputs;  // of the files: --input, see measurement/record/input_spec.h
  std::string budget;               // "" or a duration
  std::string cool_down;            // "" or a duration, between launches
  std::string memory_max;           // "" or bytes, of each worker
  std::optional<int64_t> launches;
  std::optional<uint64_t> seed;
  std::string blas = "fast";     // or "as-shipped", see orchestration/runner/blas.h
  std::filesystem::path store;   // of these and the following: "" for the default
  std::filesystem::path output;  // of the HTML page; "" for the default
  std::filesystem::path events;  // a file for progress as JSON lines; "" for none
  std::filesystem::path text;    // that language models are judged on; "" for the built-in one
  std::filesystem::path images;  // that networks of pictures are judged on; "" likewise
  bool yes = false;              // what is missing of a hub is fetched without a question
  bool plan_only = false;
  bool json = false;
  bool quiet = false;
  bool wide = false;  // every column and note in the terminal
  // Of `qbench recommend --run`: quality is judged first, and a case gets only the launches that
  // campaign::Settings::why_enough leaves it.
  std::function<std::string(const std::vector<Record>&, const Record&, int64_t)> why_enough = {};
  bool shows_nothing = false;  // no table, and no paths
};
int run_suite(RunOptions options);

struct RecordsOptions {
  std::filesystem::path store;
  std::string run;               // "" for the newest
  std::string format;            // "" for what the output's ending says, or text
  std::filesystem::path output;  // "" for standard output
  bool json = false;
  bool wide = false;  // every column and note in a text
  bool runs = false;  // list the runs
};
int list_records(const RecordsOptions& options);

struct ExplainOptions {
  std::filesystem::path store;
  std::string run;     // "" for the newest
  std::string record;  // a case's id, or a part that only one has
  std::string metric;  // "" for the speed
};
int explain_record(const ExplainOptions& options);
int report_run(const RecordsOptions& options);

struct CompareOptions {
  std::filesystem::path store;
  std::vector<std::string> sides;    // as cli/sides.h has them: before and now
  std::string against;               // a framework's version, within one run; "" for none
  std::vector<std::string> metrics;  // empty: those of the table
  std::string run_noise;             // "" for what comparison::Shifts has
  std::filesystem::path markdown;    // "" for none
  bool json = false;
  bool wide = false;
};
int compare_runs(const CompareOptions& options);

struct GateOptions {
  std::filesystem::path store;
  std::string run;  // that is judged, as cli/sides.h has it; "" for the newest
  std::string baseline;
  std::string against;               // a framework's version, within the run; "" for none
  std::filesystem::path tolerances;  // TOML; "" for the defaults
  std::vector<std::string> allowed;  // what may differ
  std::filesystem::path markdown;    // of these and the following: "" for none
  std::filesystem::path junit;
  bool github = false;
  bool json = false;
  bool wide = false;
};
int judge_run(const GateOptions& options);

struct BaselineOptions {
  std::filesystem::path store;
  std::string name;
  std::string run;               // as cli/sides.h has it; "" for the newest
  std::filesystem::path output;  // of export
  bool json = false;
};
int list_baselines(const BaselineOptions& options);
int set_baseline(const BaselineOptions& options);
int export_baseline(const BaselineOptions& options);

struct RecommendOptions {
  RunOptions run_options;  // of --run: suite, narrowing, budget
  bool measures = false;   // --run was given
  std::filesystem::path store;
  std::string run;                  // as cli/sides.h has it; "" for the newest
  std::vector<std::string> maxima;  // "rss_bytes_peak=6GB"
  std::vector<std::string> minima;
  std::string preferred;           // "" for the speed
  std::filesystem::path markdown;  // "" for none
  bool json = false;
  bool wide = false;
};
int recommend_case(const RecommendOptions& options);

struct HistoryOptions {
  std::filesystem::path store;
  std::vector<std::string> metrics;  // empty: those that the gate judges
  std::string part;                  // of the case's id; "" for all
  std::string acknowledged;          // a change's id: it is not shown again; "" for none
  std::string note;                  // why
  std::filesystem::path markdown;    // "" for none
  bool shows_acknowledged = false;
  bool is_nightly = false;
  bool json = false;
  bool wide = false;
};
int show_history(const HistoryOptions& options);

struct PublishOptions {
  std::filesystem::path store;
  std::string uri;                // "" for MLFLOW_TRACKING_URI
  std::vector<std::string> runs;  // as cli/sides.h has them; empty: the newest
  bool all = false;               // of the store
};
int publish_runs(const PublishOptions& options);

struct NightlyOptions {
  RunOptions run;
  std::string wait = "30m";  // for a quiet machine, at most
  std::string mlflow;        // "" publishes nothing
  std::string webhook;       // "" tells nobody
  int64_t webhook_timeout_s = 30;
  int64_t kept_logs = 30;  // of runs; 0: all
};
int run_nightly(const NightlyOptions& options);

struct QuantizeOptions {
  std::string model;
  std::string scheme;
  std::filesystem::path output;  // a new folder for a copy of the bundle; "" leaves it in the cache
  int64_t thread_count = 0;      // 0: all
  bool quiet = false;
  bool json = false;
};
int quantize_model(const QuantizeOptions& options);

struct ExportOptions {
  std::string model;
  std::string scheme;
  std::string framework;
  std::string target;                // "" leaves it to the framework's engine
  std::vector<std::string> extents;  // "batch=1"
  std::filesystem::path output;      // a new folder, or an empty one
  int64_t thread_count = 0;          // to prepare with; 0: all
  bool quiet = false;
  bool json = false;
};
int export_model(const ExportOptions& options);

struct FetchOptions {
  std::string name;                // ORG/NAME or ORG/NAME@REVISION
  std::vector<std::string> files;  // of the repository; empty for what the model needs
  bool yes = false;                // no question
  bool quiet = false;
};
int fetch_model(const FetchOptions& options);

struct ServeOptions {
  std::filesystem::path store;
  std::string address = "127.0.0.1";
  int port = 7300;                 // 0: any that is free
  std::vector<std::string> hosts;  // further names, with their port, by which it may be called
};
int serve_dashboard(const ServeOptions& options);

struct MergeOptions {
  std::filesystem::path target;
  std::vector<std::filesystem::path> sources;
};
int merge_stores(const MergeOptions& options);

int doctor(bool json);
int list_models(bool json);
int list_schemes(bool json);
int list_frameworks(bool json);
int list_metrics(bool json);

// The store given, or results.db in the home folder when none is, see base/paths.h.
Result<std::filesystem::path> store_path(const std::filesystem::path& given);

// Prints "qbench: <message>" and gives the exit code.
int refuse(const std::string& message, ExitCode code = exit_usage);

}  // namespace qb::cli
