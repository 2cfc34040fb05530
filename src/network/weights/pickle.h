// A pickle reader that runs nothing: it knows the opcodes and the few functions with which PyTorch
// describes tensors, and refuses everything else by name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "base/result.h"
#include "network/weights/weight_file.h"

namespace qb::weights {

// A reference to a storage: bytes kept elsewhere in the checkpoint.
struct PickledStorage {
  StorageFormat format = StorageFormat::f32;
  std::string type;  // "torch.float32"
  std::string key;
  int64_t element_count = 0;
};

struct PickledTensor {
  PickledStorage storage;
  int64_t offset = 0;  // in elements
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // in elements
};

struct PickleResult {
  // Every storage by its key, those of no tensor in `tensors` too (an optimizer's).
  std::map<std::string, StorageFormat> storages;
  // Tensors found in the top-level dictionary, or in its "state_dict" (or "model") dictionary.
  std::vector<std::pair<std::string, PickledTensor>> tensors;
  std::vector<std::string> texts;  // when the pickle is a list of texts: legacy storage keys
};

// Reads one pickle and leaves the reader behind its end.
Result<PickleResult> read_pickle(ByteReader& reader);

}  // namespace qb::weights
