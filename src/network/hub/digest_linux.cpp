// By OpenSSL, which libcurl brings along.
#include <openssl/evp.h>

#include <array>

#include "network/hub/digest.h"

namespace qb::hub {

struct Digest::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context = {EVP_MD_CTX_new(),
                                                                     &EVP_MD_CTX_free};
};

Digest::Digest(DigestKind kind) : state_(std::make_unique<State>()) {
  EVP_DigestInit_ex(state_->context.get(), kind == DigestKind::sha1 ? EVP_sha1() : EVP_sha256(),
                    nullptr);
}

Digest::~Digest() = default;

void Digest::update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes = {};
  unsigned count = 0;
  EVP_DigestFinal_ex(state_->context.get(), bytes.data(), &count);
  std::string text;
  for (unsigned i = 0; i < count; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace qb::hub
