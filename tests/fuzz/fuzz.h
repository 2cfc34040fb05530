// What the targets share. Each is a file with one function, LLVMFuzzerTestOneInput: clang's
// libFuzzer calls it with bytes that it makes up (`./qb test --fuzz`), main.cpp with files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "network/weights/weight_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace qb::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What comes before the next line break; `rest` is what follows it.
std::string_view take_line(std::string_view& rest);

// A file with that content, for readers that map files: the same path each time for one name.
std::filesystem::path file_of(std::string_view content, std::string_view name);

// A safetensors file of that header.
std::string safetensors(std::string_view header, std::string_view data);

// Decodes every tensor of up to a million values.
void decode_all(const weights::WeightFile& file);

}  // namespace qb::fuzz
