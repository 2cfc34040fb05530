#include <fstream>
#include <optional>
#include <sstream>

#include "measurement/probes/control_group.h"

namespace qb::probes {
namespace fs = std::filesystem;
namespace {

bool has_word(const std::string& list, std::string_view word) {
  std::istringstream words(list);
  for (std::string found; std::getline(words, found, ',');)
    if (found == word) return true;
  return false;
}

// A mounted hierarchy: the group that its mount point shows, and where.
struct Mount {
  std::string group;
  std::string point;
};

// proc_pid_mountinfo(5): "36 35 0:32 GROUP POINT options… - TYPE source OPTIONS"; v1's controllers
// stand among the last options.
std::optional<Mount> find_mount(const fs::path& root, std::string_view controller) {
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string skipped;
    Mount mount;
    words >> skipped >> skipped >> skipped >> mount.group >> mount.point;
    while (words >> skipped && skipped != "-") {
    }
    std::string type;
    std::string options;
    words >> type >> skipped >> options;
    if (controller.empty() ? type == "cgroup2" : type == "cgroup" && has_word(options, controller))
      return mount;
  }
  return std::nullopt;
}

// cgroups(7), /proc/self/cgroup: "4:memory:/the/group"; v2's line has no controllers.
std::optional<std::string> find_group(const fs::path& root, std::string_view controller) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : has_word(controllers, controller))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

// The group's folder and those above it, as far as the mount shows them. A container may be shown
// its own group at the mount point while the name counts from the host's root.
std::vector<fs::path> folders_between(const fs::path& root, const Mount& mount,
                                      const std::string& group) {
  const fs::path top = root / fs::path(mount.point).relative_path();
  std::string below = group;
  if (mount.group != "/")
    below = group.starts_with(mount.group) ? group.substr(mount.group.size()) : "";
  std::vector<fs::path> folders;
  for (fs::path rest = fs::path(below).relative_path();; rest = rest.parent_path()) {
    std::error_code ignored;
    if (fs::is_directory(top / rest, ignored)) folders.push_back(top / rest);
    if (rest.empty()) return folders;
  }
}

}  // namespace

GroupFolders group_folders(const fs::path& root, std::string_view controller) {
  for (const bool is_v2 : {false, true}) {
    const std::string_view name = is_v2 ? std::string_view() : controller;
    const auto mount = find_mount(root, name);
    const auto group = find_group(root, name);
    if (mount && group) return {folders_between(root, *mount, *group), is_v2};
  }
  return {};
}

}  // namespace qb::probes
