// The frameworks that qbench knows, whether they are here or not.
#pragma once

#include <span>
#include <string_view>

namespace qb {

struct FrameworkRow {
  std::string_view name;    // "onnxruntime", also of the program qbench-worker-<name>
  std::string_view title;   // "ONNX Runtime"
  std::string_view remedy;  // what to do when its worker is missing
  // Its Linux packages bring the reference BLAS: see src/orchestration/runner/blas.h.
  bool ships_slow_blas = false;
  // A launch's memory by the bytes of its bundle, at most, as measured; what packs its weights anew
  // has them twice. Unmeasured ones count as two copies.
  double memory_factor = 2.2;
};

inline constexpr FrameworkRow framework_rows[] = {
    {"onnxruntime", "ONNX Runtime", "run ./qb setup, which builds its worker"},
    {"pytorch", "PyTorch", "run ./qb setup, which installs it and builds its worker", false, 1.3},
    {"mlx", "MLX", "run ./qb setup, which installs it and builds its worker", true},
    {"coreml", "Core ML", "run ./qb setup, which builds its worker"},
    {"reference", "qbench's reference interpreter", "run ./qb setup, which builds its worker"},
};

// "pytorch" of "pytorch@2.13.0": several versions of one framework carry theirs in the name.
constexpr std::string_view base_framework(std::string_view name) {
  return name.substr(0, name.find('@'));
}

// Which framework opens a model file of the user's own, by the file's ending.
struct FileKindRow {
  std::string_view ending;
  std::string_view framework;
};

inline constexpr FileKindRow file_kind_rows[] = {{".onnx", "onnxruntime"},
                                                 {".pt2", "pytorch"},
                                                 {".pt", "pytorch"},
                                                 {".jit", "pytorch"},
                                                 {".mlxfn", "mlx"}};

}  // namespace qb
