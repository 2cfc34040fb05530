// The pictures of a dataset, each with the classes that are right.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "compression/bundle/tensor_file.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"
#include "network/ir/graph.h"

namespace qb::scenarios {

class LabelledPictures {
 public:
  // Errors: tensors that aren't there, don't belong together, or aren't what the network takes.
  static Result<LabelledPictures> read(const bundle::TensorFile& dataset,
                                       const wire::Request& request, const ir::Graph& graph);

  int64_t count() const { return count_; }  // that the request wants judged
  // As a batch of one.
  TensorView picture(int64_t number) const;
  std::span<const int64_t> right_classes(int64_t number) const;

 private:
  TensorView images_, labels_;
  std::array<int64_t, 4> shape_ = {};
  int64_t count_ = 0;
};

// Shares of pictures whose right class is the likeliest, or among the five likeliest.
class Accuracy {
 public:
  void add(std::span<const float> logits, std::span<const int64_t> right);
  // Nothing of five where there are no more classes.
  void send_to(const wire::Send& send) const;

 private:
  int64_t count_ = 0;
  int64_t top1_count_ = 0;
  int64_t top5_count_ = 0;
  size_t class_count_ = 0;
};

}  // namespace qb::scenarios
