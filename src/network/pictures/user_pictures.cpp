#include "network/pictures/user_pictures.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/file.h"
#include "base/file_name.h"

namespace qb::pictures {
namespace fs = std::filesystem;
namespace {

using PathsByClass = std::map<std::string, std::vector<fs::path>>;

bool is_one_of(std::string_view ending, std::span<const std::string_view> endings) {
  return std::ranges::find(endings, ending) != endings.end();
}

// Files that are no pictures at all are passed over: notes, what file managers leave.
Result<bool> is_picture(const fs::path& file) {
  constexpr std::array<std::string_view, 3> read = {".png", ".jpg", ".jpeg"};
  constexpr std::array<std::string_view, 8> unread = {".webp", ".gif",  ".bmp",  ".tif",
                                                      ".tiff", ".heic", ".avif", ".jp2"};
  const std::string ending = file_ending(file);
  if (is_one_of(ending, unread))
    return fail(Errc::unsupported, "{}: pictures are read as PNG or JPEG", file.string());
  return is_one_of(ending, read);
}

Result<std::vector<fs::path>> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder, error)) entries.push_back(entry.path());
  if (error) return fail(Errc::io, "{}: {}", folder.string(), error.message());
  std::ranges::sort(entries);
  return entries;
}

Result<PathsByClass> read_folder(const fs::path& folder) {
  PathsByClass classes;
  QB_TRY(const std::vector<fs::path> entries, entries_of(folder));
  for (const fs::path& entry : entries) {
    std::error_code ignored;
    const std::string name = entry.filename().string();
    if (name.starts_with('.') || !fs::is_directory(entry, ignored)) continue;
    QB_TRY(const std::vector<fs::path> files, entries_of(entry));
    for (const fs::path& file : files) {
      QB_TRY(const bool is_one, is_picture(file));
      if (is_one) classes[name].push_back(file);
    }
    if (!classes.contains(name))
      return fail(Errc::bad_input, "{}: has no PNG or JPEG", entry.string());
  }
  if (classes.empty())
    return fail(Errc::bad_input, "{}: has no folder of a class with pictures in it",
                folder.string());
  return classes;
}

// A field in quotes may have commas; "" in it is one of them.
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool is_quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool is_double = line.substr(i, 2) == "\"\"" && is_quoted;
    if (is_double)
      fields.back() += line[i++];
    else if (line[i] == '"')
      is_quoted = !is_quoted;
    else if (line[i] == ',' && !is_quoted)
      fields.emplace_back();
    else
      fields.back() += line[i];
  }
  return fields;
}

Result<PathsByClass> read_csv(const fs::path& csv) {
  QB_TRY(const std::string text, read_file(csv));
  PathsByClass classes;
  std::string_view rest = text;
  for (int number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (number == 1 && line == "file,label")) continue;
    const std::vector<std::string> fields = fields_of(line);
    if (fields.size() != 2 || fields[0].empty() || fields[1].empty())
      return fail(Errc::bad_input, "{}: line {} is not file,label", csv.string(), number);
    const fs::path file = csv.parent_path() / fields[0];
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored))
      return fail(Errc::not_found, "{}: line {}: {} is not there", csv.string(), number,
                  file.string());
    classes[fields[1]].push_back(file);
  }
  if (classes.empty()) return fail(Errc::bad_input, "{}: names no picture", csv.string());
  return classes;
}

}  // namespace

Result<PictureSet> find_user_pictures(const fs::path& path) {
  std::error_code ignored;
  const bool is_folder = fs::is_directory(path, ignored);
  if (!is_folder && !fs::exists(path, ignored))
    return fail(Errc::not_found, "{}: no such file or folder", path.string());
  QB_TRY(const PathsByClass classes, is_folder ? read_folder(path) : read_csv(path));
  PictureSet set = {.name = path.filename().string(), .is_folder = is_folder};
  for (const auto& [name, files] : classes) {
    for (const fs::path& file : files)
      set.pictures.push_back({file, {std::ssize(set.class_names)}});
    set.class_names.push_back(name);
  }
  return set;
}

}  // namespace qb::pictures
