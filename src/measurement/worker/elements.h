// Elements of any type as doubles, for filling inputs and comparing outputs of model files.
#pragma once

#include <vector>

#include "base/tensor.h"

namespace qb::worker {

// Every element; integers beyond 2^53 lose their last bits.
std::vector<double> to_doubles(const TensorView& tensor);

// Writes `value`, rounded to the type, to element `index` of the array at `data`.
void store_element(ElementType type, void* data, size_t index, double value);

// The largest range of an integer type, and of bool; {0, 0} for floating types.
struct IntegerRange {
  double low = 0.0;
  double high = 0.0;
};
IntegerRange range_of(ElementType type);

}  // namespace qb::worker
