// A fake of Core ML whose every model doubles its input "x" into its output "y", on another thread
// where a completion handler is called. With a state it also adds the state "cache", whose values
// then rise by 1. It refuses what Core ML would: other names, shapes or types than the model's,
// which are [2, 3] of f32.
#pragma once

#include <atomic>

namespace fake {

struct CoreMlState {
  std::atomic<int> arrays_alive = 0;
  std::atomic<int> models_alive = 0;
  std::atomic<int> predictions = 0;
  std::atomic<int> states_alive = 0;
  long compute_units = -1;  // of the last model that was loaded
  long macos = 15;          // which this machine plays
  bool pads_rows = false;   // answers in memory of its own, its rows further apart
  bool has_plan = true;
  bool throws = false;  // on prediction, an NSException
};
extern CoreMlState core_ml;

}  // namespace fake
