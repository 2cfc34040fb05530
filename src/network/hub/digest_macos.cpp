// By CommonCrypto, which is part of the system.
#include <CommonCrypto/CommonDigest.h>

#include <algorithm>
#include <array>
#include <limits>

#include "network/hub/digest.h"

namespace qb::hub {

struct Digest::State {
  DigestKind kind;
  CC_SHA1_CTX sha1 = {};
  CC_SHA256_CTX sha256 = {};
};

Digest::Digest(DigestKind kind) : state_(std::make_unique<State>(State{.kind = kind})) {
  CC_SHA1_Init(&state_->sha1);
  CC_SHA256_Init(&state_->sha256);
}

Digest::~Digest() = default;

void Digest::update(std::string_view bytes) {
  while (!bytes.empty()) {  // a call takes 32 bits of length
    const size_t count = std::min<size_t>(bytes.size(), std::numeric_limits<CC_LONG>::max());
    if (state_->kind == DigestKind::sha1)
      CC_SHA1_Update(&state_->sha1, bytes.data(), static_cast<CC_LONG>(count));
    else
      CC_SHA256_Update(&state_->sha256, bytes.data(), static_cast<CC_LONG>(count));
    bytes.remove_prefix(count);
  }
}

std::string Digest::hex() {
  std::array<unsigned char, CC_SHA256_DIGEST_LENGTH> bytes = {};
  const bool is_sha1 = state_->kind == DigestKind::sha1;
  if (is_sha1)
    CC_SHA1_Final(bytes.data(), &state_->sha1);
  else
    CC_SHA256_Final(bytes.data(), &state_->sha256);
  std::string text;
  for (size_t i = 0; i < (is_sha1 ? CC_SHA1_DIGEST_LENGTH : CC_SHA256_DIGEST_LENGTH); ++i)
    text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace qb::hub
