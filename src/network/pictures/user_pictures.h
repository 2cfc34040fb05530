// Labelled pictures of the user's own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/pictures/labelled.h"

namespace qb::pictures {

struct PictureSet {
  std::string name;
  std::vector<LabelledPicture> pictures;  // labels are places in class_names
  std::vector<std::string> class_names;   // sorted
  bool is_folder = false;
};

// A folder with a folder of PNGs and JPEGs for each class, or a CSV whose lines are file,label:
// paths from where it lies, a first line "file,label" is its heading. Errors: nothing there; a
// folder without classes, a class without pictures, a kind of picture that isn't read; a line that
// has no label, or whose file isn't there.
Result<PictureSet> find_user_pictures(const std::filesystem::path& path);

}  // namespace qb::pictures
