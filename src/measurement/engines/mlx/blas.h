// The BLAS that MLX's matrix products and convolutions end in on a CPU, asked of the process.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace qb::mlx {

struct Blas {
  std::string name;           // "OpenBLAS 0.3.21 …", "reference BLAS", "Accelerate"
  std::string library;        // the file that gives cblas_sgemm
  bool is_preloaded = false;  // it came by LD_PRELOAD and not with MLX
  bool is_reference = false;  // netlib's, written to be read and not to be fast
};
Blas find_blas();
Json to_json(const Blas& blas);

// How many threads its products use from now on: 1 where it has none to set.
int64_t set_blas_threads(int64_t thread_count);

}  // namespace qb::mlx
