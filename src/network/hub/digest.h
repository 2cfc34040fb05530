// SHA-256 and git's blob SHA-1: what a hub says that a file's content is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qb::hub {

enum class DigestKind : uint8_t { sha1, sha256 };

// By the system's library: a source file a system.
class Digest {
 public:
  explicit Digest(DigestKind kind);
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void update(std::string_view bytes);
  std::string hex();  // lowercase; to be called once, at the end

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A file's content by the name that it has as a blob: 64 digits of SHA-256 (large files) or 40 of
// git's SHA-1, which is that of "blob <size>\0" and the content.
std::string blob_digest(DigestKind kind, std::string_view content);

// The same of a file. Its pages are read once, in pieces; `goes_on` is asked between them, and
// false ends the reading with an error.
Result<std::string> blob_digest_of_file(DigestKind kind, const std::filesystem::path& path,
                                        const std::function<bool()>& goes_on);

}  // namespace qb::hub
