// Files of /proc and /sys that hold one value.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace qb::probes {

// Empty when the file can't be read, or doesn't begin with a number of that type.
template <typename Number>
std::optional<Number> read_number(const std::filesystem::path& path) {
  std::ifstream file(path);
  Number value = {};
  if (!(file >> value)) return std::nullopt;
  return value;
}

// Up to the first blank; "" when the file can't be read.
inline std::string read_word(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

}  // namespace qb::probes
