// A file descriptor that closes itself.
#pragma once

#include <string_view>
#include <utility>

#include "base/result.h"

namespace qb {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor();
  int get() const { return value_; }

 private:
  int value_;  // negative: none
};

// Writes all of `text`. Error: io, with the system's words.
Result<void> write_all(int descriptor, std::string_view text);

}  // namespace qb
