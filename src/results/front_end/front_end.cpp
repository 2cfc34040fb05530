#include "results/front_end/front_end.h"

#include <zlib.h>

#include <algorithm>

#include "base/json.h"

namespace qb::front_end {
namespace {

constexpr std::string_view module_type = "text/javascript";

template <typename Address>
std::string map_of_modules(const Address& address_of) {
  Json imports = Json::object({});
  for (const File& file : files())
    if (file.media_type == module_type)
      imports.set("qbench/" + std::string(file.name), address_of(file));
  return dump_json(Json::object({{"imports", std::move(imports)}}));
}

}  // namespace

const File* find_file(std::string_view name) {
  const std::span<const File> all = files();
  const auto found = std::ranges::find(all, name, &File::name);
  return found == all.end() ? nullptr : &*found;
}

std::string import_map_of_one_file() {
  return map_of_modules([](const File& file) {
    return "data:text/javascript;charset=utf-8;base64," + base64(file.text);
  });
}

std::string import_map(std::string_view folder) {
  return map_of_modules(
      [&](const File& file) { return std::string(folder) + std::string(file.name); });
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0U);
    for (size_t i = 0; i < 4; ++i)
      out += at + i <= bytes.size() ? digits[group >> (18 - 6 * i) & 63U] : '=';
  }
  return out;
}

std::string packed(std::string_view text) {
  std::string bytes(compressBound(text.size()), '\0');
  uLongf byte_count = bytes.size();
  compress2(reinterpret_cast<Bytef*>(bytes.data()), &byte_count,
            reinterpret_cast<const Bytef*>(text.data()), text.size(), Z_BEST_COMPRESSION);
  bytes.resize(byte_count);
  return base64(bytes);
}

}  // namespace qb::front_end
