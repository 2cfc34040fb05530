#include "network/hub/digest.h"

#include <algorithm>

#include "base/file.h"

namespace qb::hub {
namespace {

constexpr size_t piece_bytes = size_t{8} << 20;

void begin_blob(Digest& digest, DigestKind kind, size_t size_bytes) {
  if (kind != DigestKind::sha1) return;
  digest.update(fmt::format("blob {}", size_bytes));
  digest.update(std::string_view("\0", 1));
}

}  // namespace

std::string blob_digest(DigestKind kind, std::string_view content) {
  Digest digest(kind);
  begin_blob(digest, kind, content.size());
  digest.update(content);
  return digest.hex();
}

Result<std::string> blob_digest_of_file(DigestKind kind, const std::filesystem::path& path,
                                        const std::function<bool()>& goes_on) {
  QB_TRY(const MappedFile file, MappedFile::open(path));
  const std::string_view content(reinterpret_cast<const char*>(file.bytes().data()),
                                 file.bytes().size());
  Digest digest(kind);
  begin_blob(digest, kind, content.size());
  for (size_t begin = 0; begin < content.size(); begin += piece_bytes) {
    if (!goes_on()) return fail(Errc::io, "{}: stopped while it was checked", path.string());
    digest.update(content.substr(begin, piece_bytes));
  }
  return digest.hex();
}

}  // namespace qb::hub
