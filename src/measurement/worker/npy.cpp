#include "measurement/worker/npy.h"

#include <optional>
#include <string_view>

#include "base/byte_reader.h"
#include "base/checked.h"
#include "base/number.h"
#include "base/stand_in.h"

namespace qb::worker {
namespace {

constexpr size_t rank_max = 32;

struct Descr {
  std::string_view text;
  ElementType type;
};
constexpr Descr descrs[] = {
    {"<f4", ElementType::f32}, {"<f8", ElementType::f64}, {"<f2", ElementType::f16},
    {"<i8", ElementType::i64}, {"<i4", ElementType::i32}, {"<i2", ElementType::i16},
    {"|i1", ElementType::i8},  {"|u1", ElementType::u8},  {"|b1", ElementType::boolean}};

// The text after "'key':" and spaces; empty when the header has no such key.
std::string_view value_after(std::string_view header, std::string_view key) {
  const size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  header.remove_prefix(at + key.size());
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

Result<ElementType> type_of(std::string_view header) {
  const std::string_view value = value_after(header, "'descr':");
  const size_t end = value.size() > 1 ? value.find('\'', 1) : std::string_view::npos;
  if (!value.starts_with('\'') || end == std::string_view::npos)
    return fail(Errc::bad_input, "has no plain element type");
  const std::string_view descr = value.substr(1, end - 1);
  for (const Descr& known : descrs)
    if (known.text == descr) return known.type;
  return fail(
      Errc::bad_input,
      "has elements of type {}; little-endian floats, signed integers, u1 and bool are read",
      descr);
}

// "(1, 3, 4)", "(3,)", "()"
Result<std::vector<int64_t>> shape_of(std::string_view header) {
  std::string_view value = value_after(header, "'shape':");
  const size_t end = value.find(')');
  if (!value.starts_with('(') || end == std::string_view::npos)
    return fail(Errc::bad_input, "has no shape");
  value = value.substr(1, end - 1);
  std::vector<int64_t> shape;
  while (!value.empty()) {
    const size_t comma = value.find(',');
    const std::string_view text = value.substr(0, comma);
    const auto extent = parse_number<int64_t>(text);
    if (!extent || *extent < 0 || shape.size() == rank_max)
      return fail(Errc::bad_input, "has a bad shape");
    shape.push_back(*extent);
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  }
  return shape;
}

Result<std::string_view> read_header(ByteReader& reader) {
  QB_TRY(const std::string_view magic, reader.text(6, "the magic number"));
  if (magic != "\x93NUMPY") return fail(Errc::bad_input, "is no .npy file");
  QB_TRY(const uint8_t major, reader.number<uint8_t>("the version"));
  QB_TRY([[maybe_unused]] const uint8_t minor, reader.number<uint8_t>("the version"));
  if (major < 1 || major > 3) return fail(Errc::bad_input, "has the unknown version {}", major);
  if (major == 1) {
    QB_TRY(const uint16_t length, reader.number<uint16_t>("the header's length"));
    return reader.text(length, "the header");
  }
  QB_TRY(const uint32_t length, reader.number<uint32_t>("the header's length"));
  return reader.text(length, "the header");
}

Result<void> read(NpyArray& array) {
  QB_CHECK(check_no_stand_in(array.file.bytes()));
  ByteReader reader(array.file.bytes());
  QB_TRY(const std::string_view header, read_header(reader));
  QB_TRY(array.type, type_of(header));
  QB_TRY(array.shape, shape_of(header));
  if (!value_after(header, "'fortran_order':").starts_with("False"))
    return fail(Errc::bad_input, "is in Fortran order; save it with numpy.ascontiguousarray");
  uint64_t wanted = bytes_of(array.type);
  for (const int64_t extent : array.shape) {
    const auto product = checked_multiply(wanted, static_cast<uint64_t>(extent));
    if (!product) return fail(Errc::bad_input, "has a bad shape");
    wanted = *product;
  }
  if (wanted != reader.remaining())
    return fail(Errc::bad_input, "holds {} bytes of data where its shape says {}",
                reader.remaining(), wanted);
  QB_TRY(array.bytes, reader.take(wanted, "the data"));
  return {};
}

}  // namespace

Result<NpyArray> open_npy(const std::filesystem::path& path) {
  NpyArray array;
  QB_TRY(array.file, MappedFile::open(path));
  if (auto done = read(array); !done)
    return tl::unexpected(with_context(done.error(), path.string()));
  return array;
}

}  // namespace qb::worker
