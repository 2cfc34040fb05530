// `qbench nightly`: wait for a quiet machine, measure, look at the history, publish, tell.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/clock.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/history.h"
#include "cli/interruption.h"
#include "cli/sides.h"
#include "cli/terminal.h"
#include "measurement/probes/condition.h"
#include "orchestration/campaign/quiet.h"
#include "orchestration/spec/suite.h"
#include "results/publish/http.h"

namespace qb::cli {
namespace fs = std::filesystem;
namespace {

using history::Acknowledged;

// One night at a time on a machine: two would measure each other.
class Lock {
 public:
  static Result<Lock> take(const fs::path& path) {
    std::error_code ignored;
    fs::create_directories(path.parent_path(), ignored);
    Lock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (lock.file_ < 0) return fail(Errc::io, "{}: {}", path.string(), system_message());
    if (::flock(lock.file_, LOCK_EX | LOCK_NB) != 0)
      return fail(Errc::unavailable, "another nightly run is going on here ({} is locked)",
                  path.string());
    return lock;
  }
  Lock(Lock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Lock(const Lock&) = delete;
  ~Lock() {
    if (file_ >= 0) ::close(file_);
  }

 private:
  explicit Lock(int file) : file_(file) {}
  int file_;
};

// What one night leaves to the next, in a file beside the store.
struct State {
  std::string suite;       // of a night that didn't come to its end; "" for none
  std::string started_at;  // of that night
  std::vector<std::string> unpublished;
  std::vector<Acknowledged> told;  // changes that nobody need be told again
};

fs::path state_path(fs::path store) { return store.replace_extension(".nightly.json"); }

Result<State> load_state(const fs::path& store) {
  const fs::path path = state_path(store);
  std::error_code error;
  State state;
  if (!fs::exists(path, error)) return state;
  QB_TRY(const std::string text, read_file(path));
  QB_TRY(const Json json, with_context(parse_json(text), path.string()));
  state.suite = json["suite"].as_string();
  state.started_at = json["started_at"].as_string();
  for (const Json& id : json["unpublished"].as_array()) state.unpublished.push_back(id.as_string());
  QB_TRY(state.told, with_context(history::acknowledged_from(json["told"]), path.string()));
  return state;
}

Result<void> save_state(const fs::path& store, const State& state) {
  return write_file_atomically(
      state_path(store), dump_json(Json::object({{"suite", state.suite},
                                                 {"started_at", state.started_at},
                                                 {"unpublished", Json::array_of(state.unpublished)},
                                                 {"told", history::to_json(state.told)}}),
                                   1) +
                             "\n");
}

void tell_now(const std::string& line) {
  say("{}\n", line);
  std::fflush(stdout);
}

// $QBENCH_CONDITION, as JSON, stands for the machine's in tests, which run beside others.
Json condition_now() {
  const char* given = std::getenv("QBENCH_CONDITION");
  return given ? parse_json(given).value_or(Json()) : probes::describe_condition();
}

Result<void> wait_for_quiet(const NightlyOptions& options) {
  QB_TRY(const int64_t longest_ns, with_context(spec::parse_duration(options.wait), "--wait"));
  const campaign::Wait wait = campaign::wait_until_quiet(
      {.longest_ns = longest_ns,
       .core_count = available_threads(),
       .is_interrupted = &interruption(),
       .condition = condition_now,
       .on_waiting = [&](const std::string& why) {
         tell_now(
             fmt::format("nightly: waiting for the machine, {} at most: {}", options.wait, why));
       }});
  if (wait.first_hindrance.empty() || interruption()) return {};
  const std::string waited = format_quantity(static_cast<double>(wait.waited_ns), "ns");
  if (wait.last_hindrance.empty())
    tell_now(fmt::format("nightly: waited {} for the machine", waited));
  else
    return fail(Errc::unavailable, "nothing was measured: waited {} for the machine, and {}",
                waited, wait.last_hindrance);
  return {};
}

// The run that a night of before began and didn't end; "" for none.
std::string run_to_resume(const fs::path& store, const State& state, const std::string& suite) {
  if (state.suite.empty() || state.suite != suite) return {};
  const auto runs = load_runs(store);
  if (!runs || runs->empty() || !runs->front().damage.empty() ||
      runs->front().started_at < state.started_at)
    return {};
  return runs->front().id;
}

// The exit code of the run.
Result<int> measure(const NightlyOptions& options, const fs::path& store, State& state) {
  RunOptions run = options.run;
  run.store = store;
  if (run.suite.empty()) run.suite = "quick";
  const std::string suite = run.suite;
  if (const std::string id = run_to_resume(store, state, suite); !id.empty()) {
    tell_now(fmt::format("nightly: goes on with run {}, which was not finished", id));
    run.resume = id;
  } else {
    state.suite = suite;
    state.started_at = utc_timestamp();
    QB_CHECK(save_state(store, state));
  }
  return run_suite(std::move(run));
}

// Steps that weren't there, or that nobody was told of, when the last night looked.
Result<std::vector<history::Turn>> new_turns(const fs::path& store, history::History& all,
                                             const State& state) {
  QB_TRY(std::vector<Acknowledged> known, load_acknowledged(store));
  known.insert(known.end(), state.told.begin(), state.told.end());
  history::find_changes(all, stats::step_bounds_of_a_night, known);
  std::vector<history::Turn> turns = history::turns_of(all, false);
  for (history::Turn& turn : turns) QB_CHECK(find_causes(store, all, turn));
  return turns;
}

bool has_worsened(const std::vector<history::Turn>& turns) {
  return std::ranges::any_of(turns, [](const history::Turn& turn) {
    return std::ranges::any_of(turn.items, [](const history::Turn::Item& item) {
      return history::worsening(*item.series, *item.change) > 0;
    });
  });
}

void publish_pending(const NightlyOptions& options, const fs::path& store, State& state) {
  if (options.mlflow.empty()) {
    state.unpublished.clear();
    return;
  }
  std::erase_if(state.unpublished, [&](const std::string& id) {
    return publish_runs({.store = store, .uri = options.mlflow, .runs = {id}}) == exit_ok;
  });
}

// A message as Slack and those that speak like it take it. False: it didn't arrive, which is said.
bool tell(const NightlyOptions& options, const std::string& text) {
  if (options.webhook.empty()) return true;
  const auto sent = [&]() -> Result<void> {
    QB_TRY(publish::Http http, publish::Http::open({.timeout_s = options.webhook_timeout_s}));
    return http.deliver(options.webhook, Json::object({{"text", text}}));
  }();
  if (!sent) refuse(fmt::format("the webhook: {}", sent.error().message));
  return sent.has_value();
}

// Logs of all but the newest runs.
void prune_logs(const std::vector<Run>& runs, int64_t kept) {
  const Result<fs::path> cache = cache_folder();
  if (!cache || kept <= 0) return;
  std::error_code ignored;
  for (size_t i = static_cast<size_t>(kept); i < runs.size(); ++i)
    fs::remove_all(*cache / "logs" / runs[i].id, ignored);
}

Result<int> finish(const NightlyOptions& options, const fs::path& store, State& state, int code) {
  QB_TRY(const std::vector<Run> runs, load_runs(store));
  const std::string id = runs.front().id;
  if (std::ranges::find(state.unpublished, id) == state.unpublished.end())
    state.unpublished.push_back(id);
  QB_TRY(history::History all, collect_history(store, {}, ""));
  QB_TRY(const std::vector<history::Turn> turns, new_turns(store, all, state));
  const sections::Blocks blocks = history::blocks_of(all, turns);
  std::fputs(report::text_of(blocks, layout_of_terminal(options.run.wide)).c_str(), stdout);
  publish_pending(options, store, state);
  const bool is_news = !turns.empty() || code != exit_ok;
  const std::string failure =
      code == exit_ok ? "" : fmt::format("run {} ended with exit code {}\n\n", id, code);
  if (!is_news || tell(options, failure + report::markdown_of(blocks)))
    for (const history::Turn& turn : turns)
      for (const history::Turn::Item& item : turn.items)
        state.told.push_back({case_id(item.series->subject), std::string(item.series->metric->name),
                              all.runs[turn.first].id, "told"});
  prune_logs(runs, options.kept_logs);
  state.suite.clear();
  QB_CHECK(save_state(store, state));
  return code == exit_ok && has_worsened(turns) ? static_cast<int>(exit_failed) : code;
}

Result<int> nightly(const NightlyOptions& options) {
  QB_TRY(const fs::path home, home_folder());
  QB_TRY(const Lock lock, Lock::take(home / "nightly.lock"));
  QB_TRY(const fs::path store, store_path(options.run.store));
  QB_TRY(State state, load_state(store));
  watch_interruption();
  QB_CHECK(wait_for_quiet(options));
  if (interruption()) return static_cast<int>(exit_interrupted);
  QB_TRY(const int code, measure(options, store, state));
  if (code != exit_ok && code != exit_failed) return code;
  return finish(options, store, state, code);
}

}  // namespace

int run_nightly(const NightlyOptions& options) {
  const Result<int> code = nightly(options);
  if (code) return *code;
  refuse(code.error().message);
  return code.error().code == Errc::unavailable ? exit_undecided : exit_usage;
}

}  // namespace qb::cli
