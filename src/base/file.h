// Files: mapped for reading, written whole and atomically.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qb {

// A file mapped read-only. Movable; the bytes live as long as the object.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  static Result<MappedFile> open(const std::filesystem::path& path);

  std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }
  // Drops the resident pages of this mapping; they are read again from disk when touched.
  void drop_resident_pages() const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_bytes_ = 0;
};

Result<std::string> read_file(const std::filesystem::path& path);

// Writes to a temporary file beside `path`, syncs it and renames it: a reader sees the old content
// or the new, never a part. An old file's rights stay; a link or a device is replaced: for places
// that a user names see base/output.h.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view text);

// Syncs a file or folder that lies complete at `temporary`, beside `path`, and renames it to that;
// the folder around is synced as well. What is at `path` is replaced, a folder only when empty.
Result<void> put_into_place(const std::filesystem::path& temporary,
                            const std::filesystem::path& path);

// Syncs a file or folder to disk.
Result<void> sync_path(const std::filesystem::path& path);

// "No such file or directory" and the like, for the current errno.
std::string system_message();

}  // namespace qb
