#include "network/pictures/picture.h"

#include <algorithm>

#include "base/file.h"
#include "base/stand_in.h"
#include "network/pictures/decoders.h"

namespace qb::pictures {

Result<void> check_size(const Picture& picture) {
  constexpr int64_t pixel_count_max = 100'000'000;
  if (picture.width_px < 1 || picture.height_px < 1 ||
      picture.width_px > pixel_count_max / picture.height_px)
    return fail(Errc::bad_input, "{} x {} pixels are too many", picture.width_px,
                picture.height_px);
  return {};
}

Result<Picture> load_picture(const std::filesystem::path& path) {
  QB_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  QB_CHECK(with_context(check_no_stand_in(bytes), path.string()));
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), 8));
  if (head == "\x89PNG\r\n\x1a\n") return with_context(decode_png(bytes), path.string());
  if (head.starts_with("\xff\xd8\xff")) return with_context(decode_jpeg(bytes), path.string());
  return fail(Errc::bad_input, "{}: no PNG or JPEG", path.string());
}

}  // namespace qb::pictures
