#include "network/pictures/labelled.h"

#include <algorithm>

#include "base/number.h"
#include "network/pictures/tux_imagenet.h"

namespace qb::pictures {
namespace fs = std::filesystem;
namespace {

std::string_view take_until(std::string_view& text, char end) {
  const size_t length = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return taken;
}

std::vector<int64_t> parse_labels(std::string_view text) {
  std::vector<int64_t> labels;
  while (!text.empty()) {
    const std::string_view word = take_until(text, ' ');
    labels.push_back(parse_number<int64_t>(word).value_or(-1));
  }
  return labels;
}

}  // namespace

Result<std::vector<LabelledPicture>> find_tux_pictures(const fs::path& data_folder) {
  const fs::path stamps =
      data_folder / "tuxpaint-stamps-default-2022.06.04-1/usr/share/tuxpaint/stamps";
  if (!fs::is_directory(stamps))
    return fail(
        Errc::unavailable,
        "the labelled pictures are not here ({} is missing); on Debian ./qb setup brings them",
        stamps.string());
  std::vector<LabelledPicture> pictures;
  std::string_view rest = tux_imagenet_csv();
  take_until(rest, '\n');  // the names of the columns
  while (!rest.empty()) {
    std::string_view line = take_until(rest, '\n');
    const std::string_view stamp = take_until(line, ',');
    const std::string_view ids = take_until(line, ',');
    pictures.push_back({stamps / fmt::format("{}.png", stamp), parse_labels(ids), true});
  }
  return pictures;
}

std::map<int64_t, std::string> tux_class_names() {
  std::map<int64_t, std::string> names;
  std::string_view rest = tux_imagenet_csv();
  take_until(rest, '\n');  // the names of the columns
  while (!rest.empty()) {
    std::string_view line = take_until(rest, '\n');
    take_until(line, ',');
    for (const int64_t id : parse_labels(take_until(line, ',')))
      names.emplace(id, take_until(line, '|'));
  }
  return names;
}

Result<std::vector<LabelledPicture>> find_foolbox_pictures(const fs::path& data_folder) {
  const fs::path folder = data_folder / "foolbox-3.3.4/foolbox/data";
  if (!fs::is_directory(folder))
    return fail(Errc::unavailable, "{} is missing; ./qb setup brings it", folder.string());
  std::vector<LabelledPicture> pictures;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string stem = entry.path().stem().string();  // imagenet_<index>_<label>
    if (!stem.starts_with("imagenet_")) continue;
    pictures.push_back({entry.path(), parse_labels(stem.substr(stem.rfind('_') + 1)), false});
  }
  std::ranges::sort(pictures, {}, &LabelledPicture::path);
  return pictures;
}

}  // namespace qb::pictures
