// PNG through libpng.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <memory>

#include "network/pictures/decoders.h"

namespace qb::pictures {
namespace {

struct Source {
  std::span<const std::byte> bytes;
  size_t position = 0;
  std::string problem;
};

void read_bytes(png_structp png, png_bytep out, size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->bytes.size() - source->position) png_error(png, "the file ends too early");
  std::memcpy(out, source->bytes.data() + source->position, count);
  source->position += count;
}

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  static_cast<Source*>(png_get_error_ptr(png))->problem = message;
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

// libpng leaves by longjmp: nothing with a destructor may be made between setjmp and the return.
bool read_header(Reader& reader, Picture& picture) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_info(reader.png, reader.info);
  picture.width_px = png_get_image_width(reader.png, reader.info);
  picture.height_px = png_get_image_height(reader.png, reader.info);
  png_set_expand(reader.png);
  png_set_strip_16(reader.png);
  png_set_gray_to_rgb(reader.png);
  png_set_add_alpha(reader.png, 0xff, PNG_FILLER_AFTER);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return png_get_rowbytes(reader.png, reader.info) == static_cast<size_t>(picture.width_px) * 4;
}

bool read_rows(Reader& reader, std::vector<png_bytep>& rows) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_image(reader.png, rows.data());
  png_read_end(reader.png, nullptr);
  return true;
}

}  // namespace

Result<Picture> decode_png(std::span<const std::byte> bytes) {
  Source source = {.bytes = bytes};
  Reader reader;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, on_error, on_warning);
  reader.info = reader.png ? png_create_info_struct(reader.png) : nullptr;
  if (!reader.info) return fail(Errc::out_of_memory, "libpng has no memory");
  png_set_read_fn(reader.png, &source, read_bytes);
  Picture picture = {.channel_count = 4};
  if (!read_header(reader, picture)) return fail(Errc::bad_input, "bad PNG: {}", source.problem);
  QB_CHECK(check_size(picture));
  picture.pixels.resize(static_cast<size_t>(picture.width_px * picture.height_px * 4));
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < picture.height_px; ++y)
    rows.push_back(picture.pixels.data() + y * picture.width_px * 4);
  if (!read_rows(reader, rows)) return fail(Errc::bad_input, "bad PNG: {}", source.problem);
  return picture;
}

}  // namespace qb::pictures
