#include "network/hub/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "network/hub/patience.h"

namespace qb::hub {
namespace fs = std::filesystem;
namespace {

std::string folder_name_of(const RepositoryName& name) {
  const size_t slash = name.id.find('/');
  return fmt::format("models--{}--{}", name.id.substr(0, slash), name.id.substr(slash + 1));
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return fail(Errc::io, "{}: cannot make the folder: {}", folder.string(), error.message());
  return {};
}

std::optional<int64_t> size_of(const fs::path& path) {
  std::error_code error;
  const auto size_bytes = fs::file_size(path, error);
  if (error) return {};
  return static_cast<int64_t>(size_bytes);
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// Whether the open file is still the one that others find at the path: the hub's tools may take a
// lock's file away when they are done with it.
bool is_at(int descriptor, const fs::path& path) {
  struct stat own = {}, found = {};
  return ::fstat(descriptor, &own) == 0 && ::stat(path.c_str(), &found) == 0 &&
         own.st_ino == found.st_ino && own.st_dev == found.st_dev;
}

}  // namespace

RepositoryCache::RepositoryCache(const fs::path& cache, const RepositoryName& name)
    : cache_(cache), folder_name_(folder_name_of(name)), folder_(cache / folder_name_) {}

fs::path RepositoryCache::snapshot(const std::string& commit) const {
  return folder_ / "snapshots" / commit;
}

fs::path RepositoryCache::blob(const RemoteFile& file) const {
  return folder_ / "blobs" / file.digest;
}

fs::path RepositoryCache::incomplete(const RemoteFile& file) const {
  return folder_ / "blobs" / (file.digest + ".incomplete");
}

bool RepositoryCache::has(const RemoteFile& file) const {
  return size_of(blob(file)) == file.size_bytes;
}

int64_t RepositoryCache::incomplete_bytes(const RemoteFile& file) const {
  return size_of(incomplete(file)).value_or(0);
}

std::optional<std::string> RepositoryCache::find_commit(const std::string& revision) const {
  std::string commit = revision;
  if (!is_hex(revision, 40)) {
    const auto text = read_file(folder_ / "refs" / revision);
    if (!text) return {};
    commit = trimmed(*text);
  }
  std::error_code ignored;
  if (!is_hex(commit, 40) || !fs::is_directory(snapshot(commit), ignored)) return {};
  return commit;
}

std::vector<RemoteFile> RepositoryCache::files_of(const std::string& commit) const {
  std::vector<RemoteFile> files;
  const fs::path top = snapshot(commit);
  std::error_code error;
  for (fs::recursive_directory_iterator entry(top, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto size_bytes = size_of(entry->path());
    if (!size_bytes) continue;  // a folder, or a link to nothing
    files.push_back({.path = entry->path().lexically_relative(top).generic_string(),
                     .size_bytes = *size_bytes,
                     .digest = {}});
  }
  std::ranges::sort(files, {}, &RemoteFile::path);
  return files;
}

Result<void> RepositoryCache::save_commit(const std::string& revision,
                                          const std::string& commit) const {
  if (revision == commit) return {};
  const fs::path ref = folder_ / "refs" / revision;
  if (const auto old = read_file(ref); old && *old == commit) return {};
  QB_CHECK(make_folder(ref.parent_path()));
  return write_file_atomically(ref, commit);
}

Result<void> RepositoryCache::link(const RemoteFile& file, const std::string& commit) const {
  const fs::path place = snapshot(commit) / file.path;
  std::error_code error;
  if (fs::equivalent(place, blob(file), error)) return {};
  QB_CHECK(make_folder(place.parent_path()));
  // Renamed into place, so that another process never finds the name without its file.
  const fs::path fresh = fmt::format("{}.{}.link", place.string(), ::getpid());
  fs::remove(fresh, error);
  fs::create_symlink(blob(file).lexically_relative(place.parent_path()), fresh, error);
  if (!error) fs::rename(fresh, place, error);
  if (error) return fail(Errc::io, "{}: cannot link: {}", place.string(), error.message());
  return {};
}

Result<int64_t> RepositoryCache::free_bytes() const {
  QB_CHECK(make_folder(folder_ / "blobs"));
  std::error_code error;
  const fs::space_info space = fs::space(folder_ / "blobs", error);
  if (error) return fail(Errc::io, "{}: {}", folder_.string(), error.message());
  return static_cast<int64_t>(space.available);
}

Result<Descriptor> RepositoryCache::lock(const RemoteFile& file,
                                         const std::function<bool()>& goes_on,
                                         const std::function<void()>& is_busy) const {
  const fs::path path = cache_ / ".locks" / folder_name_ / (file.digest + ".lock");
  QB_CHECK(make_folder(path.parent_path()));
  for (bool is_told = false;;) {
    Descriptor descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664));
    if (descriptor.get() < 0)
      return fail(Errc::io, "{}: cannot open: {}", path.string(), system_message());
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) {
      if (is_at(descriptor.get(), path)) return descriptor;
      continue;
    }
    if (errno != EWOULDBLOCK && errno != EINTR)
      return fail(Errc::io, "{}: cannot lock: {}; HF_HUB_CACHE names another folder", path.string(),
                  system_message());
    if (!is_told) is_busy();
    is_told = true;
    if (!wait(200, goes_on)) return fail(Errc::io, "{}: stopped waiting", path.string());
  }
}

}  // namespace qb::hub
