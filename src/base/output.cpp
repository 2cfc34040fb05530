#include "base/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/file.h"
#include "base/number.h"

namespace qb {
namespace fs = std::filesystem;
namespace {

struct Place {
  fs::path path;        // after links
  int descriptor = -1;  // that is open already: /dev/stdout, /dev/fd/5
  bool is_file = true;  // a regular file, or nothing yet; otherwise it is opened as it is
};

tl::unexpected<Error> refuse(const fs::path& path, std::string_view reason) {
  return fail(Errc::io, "{}: cannot write: {}", path.string(), reason);
}

// The number in /dev/fd/N or /proc/self/fd/N; -1 elsewhere.
int open_descriptor_of(const fs::path& path) {
  const fs::path folder = path.parent_path();
  if (folder != "/dev/fd" && folder != "/proc/self/fd") return -1;
  const std::string name = path.filename().string();
  return parse_number<int>(name).value_or(-1);
}

Result<Place> place_of(const fs::path& path) {
  constexpr int link_count_max = 40;
  Place place = {.path = path};
  for (int i = 0; i < link_count_max; ++i) {
    place.descriptor = open_descriptor_of(place.path);
    std::error_code error;
    const fs::path target = fs::read_symlink(place.path, error);
    if (place.descriptor >= 0 || error) break;
    place.path = place.path.parent_path() / target;
  }
  struct stat status = {};
  if (place.descriptor >= 0) {
    place.is_file = false;
  } else if (::stat(place.path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode))
      return fail(Errc::bad_input, "{}: is a folder, a file is to be written", path.string());
    place.is_file = S_ISREG(status.st_mode);
  }
  return place;
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

Result<void> make_folder_of(const fs::path& file) {
  std::error_code error;
  fs::create_directories(folder_of(file), error);
  if (error) return refuse(file, error.message());
  return {};
}

// What is written as it is. A pipe waits here for its reader.
Result<Descriptor> open_as_it_is(const Place& place, int more_flags) {
  if (place.descriptor >= 0) std::fflush(stdout);  // what was printed before comes before
  Descriptor descriptor(
      place.descriptor >= 0
          ? ::fcntl(place.descriptor, F_DUPFD_CLOEXEC, 0)
          : ::open(place.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | more_flags, 0644));
  if (descriptor.get() < 0) return refuse(place.path, system_message());
  return descriptor;
}

}  // namespace

Result<void> check_output(const fs::path& path) {
  QB_TRY(const Place place, place_of(path));
  if (place.descriptor >= 0) {
    const int flags = ::fcntl(place.descriptor, F_GETFL);
    if (flags < 0) return refuse(path, system_message());
    return (flags & O_ACCMODE) == O_RDONLY ? refuse(path, "it is open for reading")
                                           : Result<void>();
  }
  if (!place.is_file) {
    if (::access(place.path.c_str(), W_OK) != 0) return refuse(path, system_message());
    return {};
  }
  QB_CHECK(make_folder_of(place.path));
  std::string probe = (folder_of(place.path) / ".qbench-XXXXXX").string();
  const Descriptor descriptor(::mkstemp(probe.data()));
  if (descriptor.get() < 0) return refuse(path, system_message());
  ::unlink(probe.c_str());
  return {};
}

Result<void> write_output(const fs::path& path, std::string_view text) {
  QB_TRY(const Place place, place_of(path));
  if (place.is_file) {
    QB_CHECK(make_folder_of(place.path));
    return write_file_atomically(place.path, text);
  }
  QB_TRY(const Descriptor descriptor, open_as_it_is(place, 0));
  if (const auto done = write_all(descriptor.get(), text); !done)
    return refuse(path, done.error().message);
  return {};
}

Result<OutputStream> OutputStream::open(const fs::path& path) {
  QB_TRY(const Place place, place_of(path));
  if (place.is_file) QB_CHECK(make_folder_of(place.path));
  QB_TRY(Descriptor descriptor, open_as_it_is(place, place.is_file ? O_CREAT | O_APPEND : 0));
  return OutputStream(path, std::move(descriptor));
}

Result<void> OutputStream::write(std::string_view text) {
  if (const auto done = write_all(descriptor_.get(), text); !done)
    return refuse(path_, done.error().message);
  return {};
}

}  // namespace qb
