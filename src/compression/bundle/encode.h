// From a parameter's values to the bytes that a scheme stores.
#pragma once

#include <vector>

#include "compression/bundle/bundle.h"

namespace qb::bundle {

// Keeps the memory of what it encoded last.
class Encoder {
 public:
  explicit Encoder(int64_t thread_count) : thread_count_(thread_count) {}

  // The parameter as `scheme` stores it, scales fitted as it says; `values` must live as long as
  // the result. A weight whose rows are no whole blocks of a block format is stored in a smaller
  // block (q4_k: q4_1, q6_k: q8_0) or else in fp16, as llama.cpp does.
  // Errors: a value that isn't finite or too large.
  Result<Stored> encode(const ir::Graph& graph, ir::Value parameter, const quant::Scheme& scheme,
                        std::span<const float> values);
  Stored keep(quant::Packed packed);

 private:
  Result<Stored> encode_halves(bool is_f16, std::span<const float> values);
  Result<Stored> encode_micro(const quant::MicroscaledLayout& layout,
                              std::span<const float> values);
  Result<Stored> encode_tables(const quant::TableLayout& layout, std::span<const float> values);
  Result<Stored> encode_blocks(ggml::BlockFormat format, int64_t column_count,
                               std::span<const float> values);

  int64_t thread_count_;
  quant::Packed packed_;
  std::vector<uint16_t> halves_;
  std::vector<std::byte> blocks_;
  quant::Microscaled micro_;
  quant::Tabled table_;
};

}  // namespace qb::bundle
