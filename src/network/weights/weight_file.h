// Weight files of any format as named tensors, mapped and not copied. A file is hostile until it
// has passed the reader: every count, offset and product is checked, nothing in it is ever run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "network/ggml/block_formats.h"

namespace qb::weights {

enum class StorageFormat : uint8_t {
  f64,
  f32,
  f16,
  bf16,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8,
  boolean,
  f8,  // any with 8 bits: they differ in what the bits mean
  f6,
  f4,
  c64,
  c128,
  q4_0,  // GGUF's blocks, in the order of ggml::BlockFormat
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  mxfp4,
  coded,  // several tensors of the file that together are a weight: see quantized.h
  other
};

struct StorageFormatRow {
  StorageFormat format;
  std::string_view name;
  uint64_t block_length = 1;  // elements
  uint64_t block_bytes = 0;
  bool is_by_row = false;  // rows are whole blocks; otherwise the tensor is
};
const StorageFormatRow& row_of(StorageFormat format);

// Which of GGUF's block formats it is; empty: none.
std::optional<ggml::BlockFormat> block_format_of(StorageFormat format);

class Coding;

struct StoredTensor {
  std::string name;
  StorageFormat format = StorageFormat::f32;
  std::string type;            // the file's own name of it: "Q4_0", "F8_E4M3", "torch.int64"
  std::vector<int64_t> shape;  // outermost first, row-major; empty for a scalar
  std::span<const std::byte> bytes;
  std::shared_ptr<const Coding> coding = nullptr;  // when the format is coded; then no bytes

  uint64_t element_count() const;
};

struct WeightFile {
  std::string format_name;  // "gguf", "safetensors", "torch"
  std::vector<StoredTensor> tensors;
  // GGUF: scalar and text key-values. safetensors: __metadata__.
  Json metadata = Json::object({});
  // GGUF: arrays, which are too long to be JSON (tokenizer.ggml.tokens has 49,152 texts).
  std::map<std::string, std::vector<std::string>> text_arrays;
  std::map<std::string, std::vector<int64_t>> integer_arrays;  // and booleans
  std::map<std::string, std::vector<double>> real_arrays;
  std::set<std::string> nested_arrays;         // their keys; nothing that we read is in them
  std::vector<std::filesystem::path> paths;    // what was read: shards and parts are files
  std::vector<MappedFile> mappings;            // what the tensors view
  std::vector<std::vector<std::byte>> copies;  // of tensors that were not row-major in the file

  const StoredTensor* find(std::string_view name) const;
  // The keys of metadata and of the arrays.
  std::vector<std::string> keys() const;
};

// By content, not by extension. Errors name the file and the field.
Result<WeightFile> load_weights(const std::filesystem::path& path);

// GGUF version 2 and 3, with the parts of one that is split (…-00001-of-00003.gguf). A tensor of a
// type that isn't decoded has format `other` and no bytes; it is an error only to decode it.
Result<WeightFile> load_gguf(const std::filesystem::path& path);
// One .safetensors file, or a .safetensors.index.json whose shards lie in its folder.
Result<WeightFile> load_safetensors(const std::filesystem::path& path);
// A PyTorch checkpoint, zip or legacy: tensors only. Its pickle is read by a machine that knows no
// function but those that describe tensors.
Result<WeightFile> load_torch(const std::filesystem::path& path);

// The tensor's values; out has element_count() of them. Error: unsupported, a format that isn't
// decoded, by the tensor's name and type.
Result<void> decode_f32(const StoredTensor& tensor, std::span<float> out, int64_t thread_count = 1);

// What every reader checks of a tensor: 0 <= dims <= 8, extents >= 0, shape times format equals the
// bytes; the product must not overflow.
Result<uint64_t> byte_count_of(const std::vector<int64_t>& shape, StorageFormat format);

}  // namespace qb::weights
