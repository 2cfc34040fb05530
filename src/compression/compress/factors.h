// What methods that move factors between layers share; see links.h.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compression/compress/calibrate.h"
#include "compression/compress/links.h"
#include "compression/compress/network.h"

namespace qb::compress {

// The network's links. Error: unsupported by `method`, when it has none.
Result<std::vector<ChannelLink>> links_of(const Network& network, std::string_view method);

// Largest magnitude of each of a link's factors in one parameter, [factor_count].
Result<std::vector<float>> largest_of(const Network& network, const ChannelLink& link,
                                      const LinkEnd& end);
// Each value at least the other's.
void raise_to(std::vector<float>& largest, const std::vector<float>& other);

// Statistics per factor: the largest of the channels that share it.
std::vector<float> per_factor(const ChannelLink& link, std::span<const float> per_column,
                              int64_t column_repeat);

// Of the consumer whose input statistics stand for the link; a depthwise convolution's are per
// group.
Result<const InputStatistics*> inputs_of_link(const ChannelLink& link, Calibrator& calibrator);

// Well inside the range of floats; 1 for what is no positive number.
float clamped_factor(double factor);

// Divides the producers' rows by the factors and multiplies the consumers' columns by them.
void move_factors(const ChannelLink& link, std::span<const float> factors, Scaling& scaling);

}  // namespace qb::compress
