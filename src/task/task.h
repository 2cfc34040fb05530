// The kinds of work that are measured, one row each. What others must know of a task they read in
// its row; how it is carried out is its scenario in the worker (measurement/worker/scenarios).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "task/workload.h"

namespace qb::task {

// One number of a workload.
struct Axis {
  std::string_view name;       // in stores, CSV and JSON; never renamed
  std::string_view suite_key;  // in a suite
  std::string_view summary;    // for `qbench run --help`: "These <summary> instead of …"
  bool is_integer = true;
  double smallest = 1.0;
  double largest = 1'000'000.0;               // products of two stay small
  std::optional<double> default_value = 1.0;  // empty: the machine's usable cores
  char letter = 0;                            // before the value in a case's id
  bool is_in_every_id = false;                // or only where it isn't the default
  bool is_context = false;                    // tokens that a model's context must hold
  bool is_passes = false;  // of those, tokens that go through the network one after another
  // Cases that differ in it are shown in tables of their own, whose titles say it: ", prompt of {}
  // tokens". Empty: they stand in one table.
  std::string_view title = {};
  // In one table: what names a case that hasn't the default, as in " at depth {}"; the column's
  // heading and unit, whether it stands there when no case has another value than the default, and
  // how a value that all share is put into the title instead, as in "{} threads" (empty: never).
  std::string_view sweep = {};
  std::string_view heading = {};
  std::string_view unit = "1";
  bool is_always_shown = false;
  std::string_view shared = {};
  std::string_view default_note = {};              // what the default means, where it is no figure
  std::span<const std::string_view> metrics = {};  // that tell something only beyond the default
};

// A metric, or a figure that is computed of several cases, in the task's table, in order.
struct Column {
  std::string_view metric;  // or "bits_per_weight", "speed_ratio"
  int rank = 0;  // 0: in every width; else a narrow terminal leaves the highest out first
  bool shows_spread = false;
};

// What tells a case from others of its table.
enum class Variant : uint8_t { scheme, model };

struct Task {
  std::string_view name;  // in stores, requests and JSON; never renamed
  std::string_view summary;
  std::string_view item;        // what it is fed with, in the plural: "tokens"
  std::string_view item_fact;   // of a quality launch: how many items were judged; empty: none are
  std::string_view items_like;  // what an interval over items is true of: "of this text"
  // Neighbouring items depend on each other, so that intervals come from chunks of them.
  bool are_items_dependent = false;
  std::string_view dataset = {};  // what quality is judged on (measurement/prepare); empty: nothing
  std::string_view suite = "quick";  // of a model of the user's own, where none is named
  std::span<const Axis* const> axes;
  std::string_view speed_metric;
  std::string_view quality_metric;
  Variant variant = Variant::scheme;
  std::string_view group = {};  // the title of its table; empty: the model's name
  std::string_view variant_heading = "scheme";
  std::string_view base = "fp32";  // what speed is compared with
  std::string_view base_heading = "vs fp32";
  std::string_view base_missing = "needs this case and fp32 in the same framework";
  std::span<const std::string_view> metrics;  // that not every task has
  std::span<const Column> columns;
};

std::span<const Task> tasks();
// Null for a name that this version doesn't know: a record of a later one.
const Task* find_task(std::string_view name);
// The row; for a name that isn't known one without axes and metrics of its own.
const Task& row_of(std::string_view name);

// Every axis of every task once, in order; null for an unknown name.
std::span<const Axis* const> axes();
const Axis* find_axis(std::string_view name);

// A metric that some tasks list belongs to these only; an axis' to workloads beyond its default.
bool applies(std::string_view metric, const Task& task, const Workload& workload);

// The value of the axis, or its default where the workload has none.
double value_of(const Axis& axis, const Workload& workload);
bool is_default(const Axis& axis, const Workload& workload);
// "12.5" or "64".
std::string text_of(const Axis& axis, double value);
// "b1t2p128g64": what a case's id says of its workload.
std::string id_of(const Task& task, const Workload& workload);

// "--prompt-tokens", of `qbench run`.
std::string flag_of(const Axis& axis);
// "must be a list of integers from 1 to 1000000".
std::string limits_text(const Axis& axis);
// Errors name the field: a value that is no whole number, or outside the axis' limits.
Result<void> check(const Axis& axis, double value);
// Every axis of the task is within its limits, and there is no other.
Result<void> check(const Task& task, const Workload& workload);

}  // namespace qb::task
