// What this build of PyTorch has to compute with: macOS has no oneDNN, ARM has kernels that x86 has
// not.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace qb::pytorch {

struct Kernels {
  // mkldnn:: and onednn:: operators compute. Without, their schemas may be there all the same.
  bool onednn = false;
  // quantized::linear_dynamic and quantized::conv2d compute by QNNPACK: asked for where oneDNN is
  // absent.
  bool qnnpack = false;
  // _dyn_quant_matmul_4bit computes by Arm's KleidiAI; elsewhere it is a slow reference.
  bool dynamic_int4 = false;
  // _weight_int4pack_mm_for_cpu and _weight_int8pack_mm have vector code for f32, and not for bf16
  // alone.
  bool weight_only_f32 = false;
  // Whose kernels are taken instead of this build's own choice: "macos", or empty.
  std::string instead;
};

// Asked of the library once. The environment variable QBENCH_PYTORCH_KERNELS=macos, for tests and
// for exploring, takes the kernels that a Mac has, as far as this build has them, fast or not.
// Errors: bad_input, for other values.
const Result<Kernels>& kernels();

// What is added to a description of what is computed, so that its figures are not taken for those
// of this build's own choice; empty: they are.
std::string note_of(const Kernels& kernels);

// For what a worker tells of itself.
Json describe(const Kernels& kernels);

}  // namespace qb::pytorch
