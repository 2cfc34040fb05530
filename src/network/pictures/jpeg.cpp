// JPEG through libjpeg.
// clang-format off
#include <csetjmp>
#include <cstdio>
#include <jpeglib.h>  // wants FILE and size_t declared before
// clang-format on

#include "network/pictures/decoders.h"

namespace qb::pictures {
namespace {

struct ErrorManager {
  jpeg_error_mgr base = {};
  std::jmp_buf jump = {};
  char problem[JMSG_LENGTH_MAX] = {};
};

[[noreturn]] void on_error(j_common_ptr info) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  manager->base.format_message(info, manager->problem);
  std::longjmp(manager->jump, 1);
}

// Truncation is only a warning to libjpeg, which then makes up grey pixels: refuse it.
void on_message(j_common_ptr info, int level) {
  if (level < 0) on_error(info);
}

struct Reader {
  jpeg_decompress_struct info = {};
  ErrorManager errors;
  Reader() {
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = on_error;
    errors.base.emit_message = on_message;
  }
  ~Reader() { jpeg_destroy_decompress(&info); }
};

// libjpeg leaves by longjmp: nothing with a destructor may be made between setjmp and the return.
bool read_header(Reader& reader, const unsigned char* data, size_t size_bytes) {
  if (setjmp(reader.errors.jump)) return false;
  jpeg_create_decompress(&reader.info);
  jpeg_mem_src(&reader.info, data, size_bytes);
  jpeg_read_header(&reader.info, TRUE);
  reader.info.out_color_space = JCS_RGB;
  return true;
}

bool read_rows(Reader& reader, uint8_t* pixels) {
  if (setjmp(reader.errors.jump)) return false;
  jpeg_start_decompress(&reader.info);
  while (reader.info.output_scanline < reader.info.output_height) {
    JSAMPROW row = pixels + size_t{reader.info.output_scanline} * reader.info.output_width * 3;
    jpeg_read_scanlines(&reader.info, &row, 1);
  }
  jpeg_finish_decompress(&reader.info);
  return true;
}

}  // namespace

Result<Picture> decode_jpeg(std::span<const std::byte> bytes) {
  Reader reader;
  if (!read_header(reader, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()))
    return fail(Errc::bad_input, "bad JPEG: {}", reader.errors.problem);
  Picture picture = {.width_px = reader.info.image_width, .height_px = reader.info.image_height};
  QB_CHECK(check_size(picture));
  picture.pixels.resize(static_cast<size_t>(picture.width_px * picture.height_px * 3));
  if (!read_rows(reader, picture.pixels.data()))
    return fail(Errc::bad_input, "bad JPEG: {}", reader.errors.problem);
  return picture;
}

}  // namespace qb::pictures
