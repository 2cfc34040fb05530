#include "base/hash.h"

#include <xxhash.h>

#include <algorithm>

#include "base/file.h"

namespace qb {

struct Hasher::State {
  XXH3_state_t* xxh3 = XXH3_createState();
  ~State() { XXH3_freeState(xxh3); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(state_->xxh3); }
Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh3, bytes.data(), bytes.size());
}

void Hasher::update(std::string_view text) { update(std::as_bytes(std::span(text))); }

std::string Hasher::hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh3);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string hash_of(std::span<const std::byte> bytes) {
  Hasher hasher;
  hasher.update(bytes);
  return hasher.hex();
}

std::string hash_of(std::string_view text) { return hash_of(std::as_bytes(std::span(text))); }

Result<std::string> hash_of_file(const std::filesystem::path& path) {
  constexpr size_t part_bytes = 64 << 20;
  QB_TRY(const MappedFile file, MappedFile::open(path));
  Hasher hasher;
  for (size_t at = 0; at < file.bytes().size(); at += part_bytes) {
    hasher.update(file.bytes().subspan(at, std::min(part_bytes, file.bytes().size() - at)));
    file.drop_resident_pages();  // a bundle's may be more than the machine has
  }
  return hasher.hex();
}

}  // namespace qb
