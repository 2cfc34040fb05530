// A fake of Core ML whose every model doubles its input "x" into its output "y", on another thread
// where a completion handler is called.
#pragma once

#include <atomic>

namespace fake {

struct CoreMlState {
  std::atomic<int> arrays_alive = 0;
  std::atomic<int> models_alive = 0;
  std::atomic<int> predictions = 0;
  long compute_units = -1;  // of the last model that was loaded
};
extern CoreMlState core_ml;

}  // namespace fake
