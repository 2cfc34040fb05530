#include "base/descriptor.h"

#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace qb {

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

Result<void> write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(Errc::io, "{}", system_message());
    text.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace qb
