// The mapping of data/tux_imagenet.csv, built into the program.
#pragma once

#include <string_view>

namespace qb::pictures {

std::string_view tux_imagenet_csv();

}  // namespace qb::pictures
