// The slow, obvious interpreter: the oracle for every operator and framework. Weights are decoded
// from the bundle's bits to f32 once, or each time a node reads them; arithmetic is f32 with f64
// sums where that is cheap. Activations that the bundle rounds to 8 bits are rounded and computed
// with as f32: an integer kernel differs by the rounding of its sums only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/tensor.h"
#include "compression/bundle/bundle.h"

namespace qb::reference {

struct Options {
  int64_t batch = 1;
  int64_t context_tokens = 0;  // capacity of the caches; 0 when the graph has no state
  // Weights that are not f32 are decoded at the first node of a run that reads them and let go
  // after the last, for networks that are too large to be held: the same values, a layer at a time.
  bool decodes_late = false;
};

class Interpreter {
 public:
  // The bundle must outlive the interpreter.
  Interpreter(const bundle::Bundle& bundle, const Options& options);
  ~Interpreter();
  Interpreter(Interpreter&&) noexcept;

  // One step; inputs in the order of the graph's inputs, past_tokens already in the caches.
  // Errors: a shape that doesn't fit the graph, a token or position outside its range, caches full.
  Result<void> run(std::span<const TensorView> inputs, int64_t past_tokens);
  // Valid until the next run.
  std::span<const TensorView> outputs() const;

  // Called for each node before it is computed, its inputs' values in the order of the node's
  // inputs (integer inputs are empty spans). It sees what the node sees.
  using Observer =
      std::function<void(const ir::Node&, std::span<const std::span<const float>> inputs)>;
  void observe(Observer observer);

  // Other values for a parameter, which must outlive their use; empty: the bundle's again.
  void replace_parameter(ir::Value parameter, std::span<const float> values);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qb::reference
