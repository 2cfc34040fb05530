// What a model's vectors are worth for retrieval: each vector asks for the others, the nearest
// first, and a second model's vectors of the same items answer the same.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace qb::quality {

inline constexpr size_t neighbour_count = 10;

struct Retrieval {
  // Of each item: the cosine between its two vectors, and whether both models find the same nearest
  // other item, 1 or 0. Where several are equally near a model finds none.
  std::vector<double> cosines;
  std::vector<double> top1_agreements;
  // The mean share of the ten nearest that both find; empty where there are hardly more to find.
  std::optional<double> top10_overlap;
  // The mean of Spearman's correlation of the orders in which all others are found.
  double rank_correlation = 0.0;
};

// Rows of `width` values, as many in both and three at least; nearness is the cosine. A vector of
// zeros is as far from all as a right angle.
Retrieval compare_retrieval(std::span<const float> reference, std::span<const float> vectors,
                            size_t width);

}  // namespace qb::quality
