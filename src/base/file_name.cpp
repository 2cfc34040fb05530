#include "base/file_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"

namespace qb {

std::string file_ending(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ending;
}

std::string file_name_of(std::string_view text) {
  constexpr size_t bytes_max = 180;
  constexpr size_t kept_bytes = 140;
  std::string name(text);
  std::ranges::replace(name, '/', '_');
  if (name.size() <= bytes_max) return name;
  size_t end = kept_bytes;  // between characters, not bytes
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0u) == 0x80u) --end;
  return fmt::format("{}-{}", name.substr(0, end), hash_of(text));
}

}  // namespace qb
