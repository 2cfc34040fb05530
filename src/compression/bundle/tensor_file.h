// A few named tensors in one file, mapped for reading: datasets and baselines. A JSON header of one
// line, then the arrays, each aligned to 64 bytes.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "base/tensor.h"

namespace qb::bundle {

struct NamedTensor {
  std::string name;
  TensorView tensor;
};

// Atomic: a reader sees all of it or nothing.
Result<void> save_tensor_file(const std::filesystem::path& path, const Json& attributes,
                              std::span<const NamedTensor> tensors);

class TensorFile {
 public:
  // Errors name the file: bad header, an array outside the file, content that doesn't have the
  // header's hash (a power cut leaves such files). All arrays are read for that.
  static Result<TensorFile> open(const std::filesystem::path& path);

  // A missing tensor, or one of another type or rank, is an error that names it.
  Result<TensorView> find(std::string_view name, ElementType type, size_t rank) const;
  // The only tensor of that type and rank. Error: there is none, or there are several.
  Result<TensorView> find_only(ElementType type, size_t rank) const;
  bool contains(std::string_view name) const { return entries_.contains(name); }
  const Json& attributes() const { return attributes_; }
  const std::string& content_hash() const { return content_hash_; }  // of all arrays

 private:
  struct Entry {
    ElementType type;
    std::vector<int64_t> shape;
    std::span<const std::byte> bytes;
  };
  std::filesystem::path path_;
  MappedFile mapping_;
  Json attributes_;
  std::string content_hash_;
  std::map<std::string, Entry, std::less<>> entries_;
};

// Writes one f32 matrix row by row, for what is too large to hold.
class MatrixWriter {
 public:
  MatrixWriter(std::filesystem::path path, std::string name, Json attributes, int64_t column_count);
  ~MatrixWriter();
  MatrixWriter(MatrixWriter&&) noexcept;
  Result<void> append(std::span<const float> rows);
  // Completes the header, syncs and puts the file into place: a reader sees all of it or nothing,
  // after a power cut too.
  Result<void> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qb::bundle
