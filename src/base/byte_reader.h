// A cursor over bytes of a file that may lie: every read is checked against what remains.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/result.h"

namespace qb {

static_assert(std::endian::native == std::endian::little, "files are read as little endian");

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  Result<std::span<const std::byte>> take(uint64_t count, std::string_view what) {
    if (count > remaining())
      return fail(Errc::bad_input, "{} needs {} bytes at offset {}, {} remain", what, count,
                  position_, remaining());
    const auto taken = bytes_.subspan(position_, static_cast<size_t>(count));
    position_ += static_cast<size_t>(count);
    return taken;
  }

  template <typename T>
  Result<T> number(std::string_view what) {
    QB_TRY(const auto bytes, take(sizeof(T), what));
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  Result<std::string_view> text(uint64_t length, std::string_view what) {
    QB_TRY(const auto bytes, take(length, what));
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  // Up to and without the next newline, which is taken too.
  Result<std::string_view> line(std::string_view what) {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_,
                                remaining());
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return fail(Errc::bad_input, "{} has no end", what);
    position_ += end + 1;
    return rest.substr(0, end);
  }

 private:
  std::span<const std::byte> bytes_;
  size_t position_ = 0;
};

}  // namespace qb
