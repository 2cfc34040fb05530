// What the orchestrator asks of a worker: one case, one launch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "measurement/record/input_spec.h"
#include "measurement/record/record.h"

namespace qb::wire {

struct Limits {
  int64_t warmup_count_min = 1;
  int64_t warmup_duration_ns_min = 0;
  int64_t iteration_count_min = 3;
  int64_t duration_ns_min = 0;
  int64_t duration_ns_max = 0;
  int64_t memory_bytes_max = 0;   // 0: no limit; see measurement/probes/limits.h
  int64_t process_count_max = 0;  // 0: no limit
};

// Of qbench-prepare.
struct Preparation {
  std::string model;   // a name of the zoo, or the absolute path of a model of the user's own
  std::string scheme;  // of the bundle; empty: the data that quality is measured on
  std::string data_folder;
  std::string cache_folder;
  std::string text_file = "";      // of the user's, in place of the built-in one; for data only
  std::string images = "";         // of the user's, likewise: a folder or a CSV
  int64_t thread_count = 0;        // to work with; 0: all
  bool only_looks = false;         // at what the model is: neither bundle nor data is made
  bool with_layer_errors = false;  // what quantizing did to each weight, and how far the work is
};

// A dimension of the network by its name ("batch") and the extent that it is fixed to.
struct FixedExtent {
  std::string dimension;
  int64_t extent = 0;
};

// Of an engine that writes a package instead of running.
struct Emission {
  std::string bundle;  // folder of a bundle or of a model of several networks
  std::string target;  // what for, in the framework's words; empty: the engine's choice
  std::vector<FixedExtent> extents;
  std::string folder;  // to make and to fill
};

struct Request {
  bool is_quality = false;
  std::string bundle;  // folder; empty when there is a model_file
  // A model file of the user's own, and what the user says of its inputs.
  std::string model_file;
  std::vector<InputSpec> inputs;
  std::string device = "cpu";
  std::string task;  // a row of task/task.h, and a scenario of the worker
  Workload workload;
  uint64_t seed = 0;
  Limits limits;
  // Quality only: a tensor file (see prepare/dataset.h); logits of the unquantized weights to
  // compare with; where to write this worker's logits. Empty: none. Of a model_file: no dataset;
  // outputs of the first file in place of logits.
  std::string dataset;
  std::string baseline;
  std::string baseline_output;
  // Quality only: at most so many tokens or pictures of the dataset, its first; 0: all. Where to
  // write the first rows of logits, at most so many; empty: nowhere.
  int64_t item_count_max = 0;
  std::string logits_output;
  int64_t logits_row_count_max = 0;
  // With one of these nothing else but limits counts.
  std::optional<Preparation> preparation;
  std::optional<Emission> emission;
};

Json to_json(const Request& request);
// Errors name the field.
Result<Request> request_from_json(const Json& json);

}  // namespace qb::wire
