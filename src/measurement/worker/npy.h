// NumPy's .npy files: little endian, C order, sizes checked.
#pragma once

#include <filesystem>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/tensor.h"

namespace qb::worker {

struct NpyArray {
  MappedFile file;
  ElementType type = ElementType::f32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  // inside `file`
};

// Errors name the file and what of it qbench doesn't read: objects, big endian, Fortran order, a
// size that isn't what the shape says.
Result<NpyArray> open_npy(const std::filesystem::path& path);

}  // namespace qb::worker
