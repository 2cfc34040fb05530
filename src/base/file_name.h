// Names of files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace qb {

// ".onnx" of "net.ONNX": endings count in any case.
std::string file_ending(const std::filesystem::path& path);

// A file's name of any text: without '/', at most 180 bytes, another for another text.
std::string file_name_of(std::string_view text);

}  // namespace qb
