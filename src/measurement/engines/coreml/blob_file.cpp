#include "measurement/engines/coreml/blob_file.h"

#include <array>
#include <bit>
#include <cassert>
#include <cstring>

#include "base/file.h"

namespace qb::coreml {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint64_t alignment = 64;
constexpr uint32_t format_version = 2;
constexpr uint32_t sentinel = 0xDEADBEEF;

struct Header {
  uint32_t count = 0;
  uint32_t version = format_version;
  std::array<uint64_t, 7> reserved = {};
};
static_assert(sizeof(Header) == alignment);

struct Metadata {
  uint32_t mark = sentinel;
  uint32_t type = 0;
  uint64_t byte_count = 0;
  uint64_t offset = 0;
  uint64_t unused_bits = 0;
  std::array<uint64_t, 4> reserved = {};
};
static_assert(sizeof(Metadata) == alignment);

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

BlobFile::BlobFile(std::filesystem::path path)
    : path_(std::move(path)), file_(path_, std::ios::binary | std::ios::trunc) {
  put(bytes_of(Header{}));
}

void BlobFile::put(std::span<const std::byte> bytes) {
  file_.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  size_ += bytes.size();
}

void BlobFile::align() {
  constexpr std::array<std::byte, alignment> zeros = {};
  if (const uint64_t rest = size_ % alignment) put(std::span(zeros).first(alignment - rest));
}

uint64_t BlobFile::place(const std::string& key, Type type, int64_t element_count,
                         const std::function<void(const Sink&)>& write) {
  if (const auto found = places_.find(key); found != places_.end()) return found->second;
  align();
  const uint64_t start = size_;
  places_[key] = start;
  const uint64_t bits = static_cast<uint64_t>(element_count) * row_of(type).bits;
  const uint64_t byte_count = (bits + 7) / 8;
  put(bytes_of(Metadata{.type = row_of(type).blob,
                        .byte_count = byte_count,
                        .offset = start + alignment,
                        .unused_bits = byte_count * 8 - bits}));
  write([&](std::span<const std::byte> bytes) { put(bytes); });
  assert(size_ == start + alignment + byte_count);
  return start;
}

Result<void> BlobFile::finish() {
  const Header header = {.count = static_cast<uint32_t>(places_.size())};
  file_.seekp(0);
  file_.write(reinterpret_cast<const char*>(&header), sizeof header);
  file_.close();
  if (!file_) return fail(Errc::io, "{}: cannot write: {}", path_.string(), system_message());
  return {};
}

}  // namespace qb::coreml
