// The slow, obvious interpreter: the oracle for every operator and framework. Weights are decoded
// from the bundle's bits to f32 once; arithmetic is f32 with f64 sums where that is cheap.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/tensor.h"
#include "bundle/bundle.h"

namespace qb::reference {

struct Options {
  int64_t batch = 1;
  int64_t context_tokens = 0;  // capacity of the caches; 0 when the graph has no state
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

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qb::reference
