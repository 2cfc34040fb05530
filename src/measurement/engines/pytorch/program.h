// A network as calls of ATen, in order, over slots that hold tensors.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "measurement/engines/pytorch/aten.h"

namespace qb::pytorch {

using Slot = size_t;

struct Frame {
  std::vector<at::Tensor> slots;
  int64_t past_tokens = 0;
};

using Call = std::function<void(Frame&)>;

class Program {
 public:
  // Steps that are added from now on belong to an operator of that name.
  void begin(std::string_view operator_name) { operator_name_ = operator_name; }
  Slot new_slot() { return slot_count_++; }
  // `call` reads the slots `reads`, so they are kept until then, and sets others.
  void add(std::vector<Slot> reads, Call call) {
    steps_.push_back({operator_name_, std::move(reads), {}, std::move(call)});
  }
  // Keeps the slot until the end of a run.
  void keep(Slot slot) { kept_.push_back(slot); }
  // Once, when all is added.
  void finish();
  // From the slots that were set by the caller to those that are kept.
  void run(Frame& frame) const;

  size_t slot_count() const { return slot_count_; }
  size_t step_count() const { return steps_.size(); }
  // Each step does what `wrap` makes of it: for measuring what steps and program cost.
  void wrap_calls(const std::function<Call(std::string_view operator_name, Call)>& wrap);

 private:
  struct Step {
    std::string_view operator_name;
    std::vector<Slot> reads;
    std::vector<Slot> releases;  // read by no later step
    Call call;
  };
  std::string_view operator_name_;
  size_t slot_count_ = 0;
  std::vector<Step> steps_;
  std::vector<Slot> kept_;
};

}  // namespace qb::pytorch
