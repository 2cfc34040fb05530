// What is stored of a run: plain structs. A record is one case of one run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "task/task.h"

namespace qb {

// One cell of a suite.
struct Case {
  std::string model;      // "smollm2-135m"
  std::string scheme;     // "w4g32"
  std::string framework;  // "onnxruntime"
  std::string device;     // "cpu"
  Workload workload;
  std::string task;  // the name of a row of task/task.h
  friend bool operator==(const Case&, const Case&) = default;
};

// "smollm2-135m/w4g32/onnxruntime/cpu/b1t2p128g64": unique within a run, stable between runs.
std::string case_id(const Case& c);
inline const task::Task& task_of(const Case& c) { return task::row_of(c.task); }

enum class Outcome : uint8_t {
  ok,
  unsupported,  // the framework cannot run this
  unavailable,  // the framework, device or model is not on this machine
  failed,       // an error in model, framework or worker
  timed_out,
  crashed,  // the worker died by a signal or spoke garbage
  out_of_memory,
  unstable,  // measured, but it did not settle
};
std::string_view name_of(Outcome outcome);
Result<Outcome> parse_outcome(std::string_view name);

// Raw timings of one phase, in the order taken. Phases of all tasks: load, compile, first_run,
// warm_up, arrival_latency, arrival_wait; a task's own are its scenario's.
struct SampleSeries {
  std::string phase;
  std::vector<int64_t> duration_ns;
};

// A launch that was disturbed is measured again; the second one has the index plus this.
inline constexpr int64_t repeat_offset = 10'000;

// One fresh worker process.
struct Launch {
  int64_t index = 0;
  std::string kind = "speed";  // or "quality"
  Outcome outcome = Outcome::ok;
  std::string reason;  // why it is not ok, in the user's words
  std::vector<SampleSeries> samples;
  // Flat facts the worker reported: "rss_bytes_peak", "rss_bytes_after_load", "device", "kernels",
  // "compute_type", "perplexity", …; a value the host can't give is absent.
  Json facts = Json::object({});
  std::string stderr_tail;
};

// A metric of a case. value is empty when it is not available; reason then says why.
struct Measurement {
  std::string name;
  std::optional<double> value;
  std::optional<double> low;  // of a 95 % interval
  std::optional<double> high;
  std::string reason;
  // The rest is not stored, since it can be made anew. One value of each launch that it was made
  // from, and the launches' indices: of a percentile each launch's own, to see how they differ.
  std::vector<double> launch_values = {};
  std::vector<int64_t> launch_indices = {};
  // What figure and interval are, or why there is no interval: "the median of 5 launches; …".
  std::string basis = {};
};

struct Record {
  std::string run_id;
  int64_t position = 0;  // in the run's plan
  Case subject;
  // Of preparing and of speed. That of quality, once it was tried, is in the manifest:
  // "quality_outcome" and "quality_reason".
  Outcome outcome = Outcome::ok;
  std::string reason;
  std::string recorded_at;  // UTC
  std::vector<Launch> launches;
  std::vector<Measurement> measurements;
  // What the figures depend on: bundle and source hashes, framework version, actual device,
  // kernels.
  Json manifest = Json::object({});
};

struct Run {
  std::string id;  // "20261123-214016-3f2a9c04"
  std::string started_at;
  std::string suite_name;
  std::string suite_text;
  uint64_t seed = 0;
  Json host = Json::object({});  // cpu, cores, memory, os, governor, power source
  // What the command line changed of the suite, for resuming the run.
  Json options = Json::object({});
  std::string damage = {};  // why the stored row couldn't be read whole; not stored
};

// "crashed: signal 11" when quality was tried and not measured; empty otherwise.
std::string quality_failure(const Record& record);

const Measurement* find_measurement(const Record& record, std::string_view name);

}  // namespace qb
