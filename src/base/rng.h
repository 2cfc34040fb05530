// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): small, seeded, the same on every platform. Two
// draws never stand in one expression: compilers differ in which comes first (tests/layering.py).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace qb {

class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t next() { return mixed(state_ += step); }
  // What the next() of that number gives, counted from 0, of a seed: any part of the stream, by
  // itself.
  static uint64_t nth(uint64_t seed, uint64_t number) { return mixed(seed + (number + 1) * step); }
  // In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // In [0, bound); the modulo bias is below bound / 2^64.
  uint64_t below(uint64_t bound) { return next() % bound; }
  double normal();  // standard; takes two of next()
  // Fisher-Yates.
  template <typename T>
  void shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  static constexpr uint64_t step = 0x9e3779b97f4a7c15u;
  static uint64_t mixed(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

// A seed for the stream `name`, so that streams of one run are independent.
uint64_t derive_seed(uint64_t seed, std::string_view name);

}  // namespace qb
