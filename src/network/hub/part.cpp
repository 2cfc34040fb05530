#include "network/hub/part.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"

namespace qb::hub {
namespace {

// The first byte that a Content-Range names; -1 where it names none.
int64_t first_byte_of(std::string_view content_range) {
  constexpr std::string_view unit = "bytes ";
  if (!content_range.starts_with(unit)) return -1;
  content_range.remove_prefix(unit.size());
  return take_number<int64_t>(content_range).value_or(-1);
}

}  // namespace

Result<Part> Part::open(const std::filesystem::path& path, int64_t size_bytes) {
  Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  const off_t position = descriptor.get() < 0 ? -1 : ::lseek(descriptor.get(), 0, SEEK_END);
  if (position < 0) return fail(Errc::io, "{}: cannot open: {}", path.string(), system_message());
  Part part(path.string(), std::move(descriptor), size_bytes, position);
  if (position > size_bytes && !part.restart()) return tl::unexpected(part.written_.error());
  return part;
}

bool Part::begin(const Reply& head) {
  if (head.status == 200) return position_ == 0 || restart();
  if (first_byte_of(head.header("content-range")) == position_) return true;
  restart();  // the next request is for the whole file
  return refuse("it sends another part than was asked for", false);
}

bool Part::write(std::string_view bytes) {
  if (static_cast<int64_t>(bytes.size()) > size_bytes_ - position_) {
    restart();
    return refuse(
        fmt::format("it sends more than the {} bytes that the hub's listing says", size_bytes_),
        true);
  }
  written_ = with_context(write_all(descriptor_.get(), bytes), name_);
  if (written_) position_ += static_cast<int64_t>(bytes.size());
  return written_.has_value();
}

bool Part::restart() {
  position_ = 0;
  if (::ftruncate(descriptor_.get(), 0) == 0 && ::lseek(descriptor_.get(), 0, SEEK_SET) == 0)
    return true;
  written_ = fail(Errc::io, "{}: cannot write: {}", name_, system_message());
  return false;
}

bool Part::refuse(std::string trouble, bool is_lasting) {
  trouble_ = std::move(trouble);
  is_lasting_ = is_lasting;
  return false;
}

}  // namespace qb::hub
