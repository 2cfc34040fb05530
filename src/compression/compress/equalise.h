// Factors moved between layers before rounding, see links.h; a file each method. Each gives an
// exactly equal network in fp32.
#pragma once

#include "base/result.h"
#include "compression/compress/calibrate.h"
#include "compression/compress/links.h"
#include "compression/compress/network.h"
#include "compression/quant/scheme.h"

namespace qb::compress {

// Cross-layer equalisation (Nagel et al. 2019): per channel the largest weight of the producers'
// rows and of the consumers' columns become equal. Error: the network has no link.
Result<Network> equalise_weights(const Network& network);

// SmoothQuant (Xiao et al. 2023), alpha = 0.5: s = sqrt(max |x| / max |w|) of each channel is moved
// from the activations into the weights.
Result<Network> smooth_activations(const Network& network, Calibrator& calibrator);

// AWQ (Lin et al. 2024): s = (mean |x|)^alpha of each channel, normalised; of 11 alphas from 0 to 1
// the one whose quantized weights give the least squared error of the layers' outputs.
Result<Network> protect_channels(const Network& network, Calibrator& calibrator,
                                 const quant::Scheme& scheme, int64_t thread_count);

}  // namespace qb::compress
