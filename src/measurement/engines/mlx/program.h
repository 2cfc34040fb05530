// A network as calls of MLX, in order, over slots that hold arrays. MLX is lazy: a call only adds
// to the graph that the session evaluates at the end of its step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "measurement/engines/mlx/arrays.h"

namespace qb::mlx {

using Slot = size_t;

struct Frame {
  std::vector<mx::array> slots;
  std::vector<mx::array>& states;
  int64_t past_tokens = 0;
};

using Call = std::function<void(Frame&)>;

class Program {
 public:
  void add(Call call) { calls_.push_back(std::move(call)); }
  void run(Frame& frame) const {
    for (const Call& call : calls_) call(frame);
  }

 private:
  std::vector<Call> calls_;
};

}  // namespace qb::mlx
