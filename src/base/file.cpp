#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/descriptor.h"

namespace qb {

std::string system_message() { return std::generic_category().message(errno); }

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_bytes_);
}

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0)
    return fail(errno == ENOENT ? Errc::not_found : Errc::io, "{}: cannot open: {}", path.string(),
                system_message());
  struct stat status = {};
  if (::fstat(descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return fail(Errc::bad_input, "{}: not a regular file", path.string());
  MappedFile file;
  if (status.st_size == 0) return file;
  void* data = ::mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_SHARED,
                      descriptor.get(), 0);
  if (data == MAP_FAILED)
    return fail(Errc::io, "{}: cannot map: {}", path.string(), system_message());
  file.data_ = static_cast<const std::byte*>(data);
  file.size_bytes_ = static_cast<size_t>(status.st_size);
  return file;
}

void MappedFile::drop_resident_pages() const {
  if (data_) ::madvise(const_cast<std::byte*>(data_), size_bytes_, MADV_DONTNEED);
}

Result<std::string> read_file(const std::filesystem::path& path) {
  QB_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<void> sync_path(const std::filesystem::path& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0 || ::fsync(descriptor.get()) != 0)
    return fail(Errc::io, "{}: cannot sync: {}", path.string(), system_message());
  return {};
}

Result<void> put_into_place(const std::filesystem::path& temporary,
                            const std::filesystem::path& path) {
  QB_CHECK(sync_path(temporary));
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return fail(Errc::io, "{}: cannot rename: {}", path.string(), system_message());
  const std::filesystem::path parent = path.parent_path();
  return sync_path(parent.empty() ? "." : parent);
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  const std::string temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  const auto refuse = [&] {
    const std::string reason = system_message();
    ::unlink(temporary.c_str());
    return fail(Errc::io, "{}: cannot write: {}", path.string(), reason);
  };
  {
    const Descriptor descriptor(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (descriptor.get() < 0) return refuse();
    struct stat old = {};
    if (::stat(path.c_str(), &old) == 0 && ::fchmod(descriptor.get(), old.st_mode & 07777) != 0)
      return refuse();
    if (!write_all(descriptor.get(), text)) return refuse();
  }
  Result<void> placed = put_into_place(temporary, path);
  if (!placed) ::unlink(temporary.c_str());
  return placed;
}

}  // namespace qb
