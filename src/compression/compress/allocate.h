// Mixed precision: bits for each layer by what they cost in quality, under a budget of bytes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compression/compress/calibrate.h"
#include "compression/compress/network.h"
#include "compression/quant/scheme.h"

namespace qb::compress {

struct Choice {
  std::string parameter;
  quant::Scheme scheme;
  int64_t weight_count = 0;
  int64_t stored_bytes = 0;
  double damage = 0.0;  // KL divergence of the outputs when this layer alone is in the cheapest
};

// The sensitivity of each quantizable parameter is measured: it alone is stored in the cheapest
// candidate, and the KL divergence of the network's outputs from fp32's is taken (nats, mean over
// the positions of the first window's 64 tokens, or 8 pictures). A dearer candidate is taken to do
// damage in proportion to its squared error. Starting from the cheapest everywhere, the step that
// saves most damage for each byte is taken until the budget of scheme.target_bits is spent. Error:
// a budget below the cheapest candidate.
Result<std::vector<Choice>> choose_bits(const Network& network, const Calibrator& calibrator,
                                        const quant::Scheme& scheme, int64_t thread_count,
                                        const Tell& tell);

}  // namespace qb::compress
