// Where the control groups of this process lie, in the layouts that Linux has (v1, v2, both).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace qb::probes {

// The folders of this process's group of `controller`, from its own up to the topmost that is seen.
struct GroupFolders {
  std::vector<std::filesystem::path> folders;  // empty: it has none
  bool is_v2 = false;
};

// v1 hierarchies that hold the controller come before v2's. `root` stands in place of /.
GroupFolders group_folders(const std::filesystem::path& root, std::string_view controller);

}  // namespace qb::probes
