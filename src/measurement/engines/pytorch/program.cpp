#include "measurement/engines/pytorch/program.h"

#include <algorithm>

namespace qb::pytorch {

void Program::finish() {
  std::vector<bool> is_done(slot_count_, false);
  for (const Slot slot : kept_) is_done[slot] = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (const Slot slot : step->reads) {
      if (is_done[slot]) continue;
      is_done[slot] = true;
      step->releases.push_back(slot);
    }
  }
}

void Program::run(Frame& frame) const {
  for (const Step& step : steps_) {
    step.call(frame);
    for (const Slot slot : step.releases) frame.slots[slot].reset();
  }
}

void Program::wrap_calls(const std::function<Call(std::string_view, Call)>& wrap) {
  for (Step& step : steps_) step.call = wrap(step.operator_name, std::move(step.call));
}

}  // namespace qb::pytorch
