#include "fuzz.h"

#include <unistd.h>

#include <fstream>
#include <vector>

namespace qb::fuzz {
namespace {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("qb_fuzz_{}", ::getpid());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

std::string_view take_line(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

std::filesystem::path file_of(std::string_view content, std::string_view name) {
  static const Folder folder;
  const std::filesystem::path path = folder.path / name;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  return path;
}

std::string safetensors(std::string_view header, std::string_view data) {
  const uint64_t length = header.size();
  std::string content(reinterpret_cast<const char*>(&length), sizeof length);
  return content.append(header).append(data);
}

void decode_all(const weights::WeightFile& file) {
  for (const weights::StoredTensor& tensor : file.tensors) {
    const uint64_t count = tensor.element_count();
    if (count > 1'000'000) continue;
    std::vector<float> values(count);
    (void)weights::decode_f32(tensor, values);
  }
}

}  // namespace qb::fuzz
