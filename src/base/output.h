// Where a user's output goes. A regular file, or the one that a link leads to, is replaced whole;
// what is no regular file (a pipe, a device, /dev/stdout) is opened and written, never replaced.
// Every verb that writes to a place that the user names does it through these.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/descriptor.h"
#include "base/result.h"

namespace qb {

// Whether output can be written there, told before long work. Makes the folders that are missing
// and leaves nothing else behind; a pipe isn't opened, since that waits for its reader. Errors: io,
// and bad_input for a folder.
Result<void> check_output(const std::filesystem::path& path);

// Errors: those of check_output, and what the system says of a full disk or a closed pipe.
Result<void> write_output(const std::filesystem::path& path, std::string_view text);

// Output that grows: a regular file is appended to.
class OutputStream {
 public:
  static Result<OutputStream> open(const std::filesystem::path& path);
  Result<void> write(std::string_view text);

 private:
  OutputStream(std::filesystem::path path, Descriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}
  std::filesystem::path path_;
  Descriptor descriptor_;
};

}  // namespace qb
