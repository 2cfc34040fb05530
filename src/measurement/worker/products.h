// Whether a device multiplies matrices rightly. Speed of synthetic weights has no quality that
// would tell, and there were products on GPUs whose numbers were wrong at some sizes only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "measurement/worker/engine.h"

namespace qb::worker {

struct ProductSize {
  int64_t row_count = 64;
  int64_t input_width = 3072;
  int64_t output_width = 12288;
};

// x [row_count, input_width] by w [output_width, input_width], both random, by the engine's own
// linear in fp32, fp16 and bf16, and sampled outputs against dot products in f64 of the same stored
// weights. The error of an output is |y - exact| / (|x| |w| / sqrt(input_width)), so about relative
// to what outputs are. It may be 1e-4 in fp32 (5e-3 is noted: products rounded as TF32 does), 0.05
// in fp16, 0.1 in bf16. Gives {"fp32": {"worst_error", "computes"} or {"refused"}, …} and
// "problem", which is "" if all are right.
Json check_products(Engine& engine, const std::string& device, const ProductSize& size = {});

}  // namespace qb::worker
