// Labelled pictures that set-up installed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qb::pictures {

struct LabelledPicture {
  std::filesystem::path path;
  std::vector<int64_t> labels;  // ImageNet-1k class ids; any of them is right
  bool is_cut_out = false;      // has alpha, and belongs on a white square
};

// The 156 photos of tuxpaint-stamps-default by the project's mapping (data/tux_imagenet.csv; its
// bias is told in data/README.md). Error: unavailable, with the remedy.
Result<std::vector<LabelledPicture>> find_tux_pictures(const std::filesystem::path& data_folder);

// What their classes are called, by id.
std::map<int64_t, std::string> tux_class_names();

// foolbox's 20 ImageNet samples.
Result<std::vector<LabelledPicture>> find_foolbox_pictures(
    const std::filesystem::path& data_folder);

}  // namespace qb::pictures
