// weight.bin of a Core ML package: arrays one after another, written as they come. Reverse
// documented by coremltools' own reader, which the tests read it with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "measurement/engines/coreml/values.h"

namespace qb::coreml {

// Takes the next bytes of an array.
using Sink = std::function<void(std::span<const std::byte>)>;

class BlobFile {
 public:
  explicit BlobFile(std::filesystem::path path);

  // The place of the array called `key`, whose elements `write` gives when it isn't there yet: in
  // all as many bytes as they take.
  uint64_t place(const std::string& key, Type type, int64_t element_count,
                 const std::function<void(const Sink&)>& write);
  bool is_empty() const { return places_.empty(); }
  // Completes the header. Errors: io, of anything written before too.
  Result<void> finish();

 private:
  void put(std::span<const std::byte> bytes);
  void align();

  std::filesystem::path path_;
  std::ofstream file_;
  uint64_t size_ = 0;
  std::map<std::string, uint64_t> places_;
};

}  // namespace qb::coreml
