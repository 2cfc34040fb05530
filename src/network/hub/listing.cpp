#include "network/hub/listing.h"

#include <algorithm>

#include "base/json.h"
#include "base/printable.h"
#include "network/hub/name.h"

namespace qb::hub {
namespace {

constexpr size_t file_count_max = 100'000;
constexpr int64_t file_bytes_max = int64_t{1} << 46;  // so that no sum of them overflows

Result<Json> parse(std::string_view json) {
  return with_context(parse_json(json), "the hub's answer is no listing");
}

Result<RemoteFile> file_of(const Json& entry) {
  const Json& content = entry["lfs"].is_object() ? entry["lfs"] : entry;
  RemoteFile file;
  QB_TRY(file.path, entry.get_string("path"));
  QB_TRY(file.size_bytes, content.get_int("size"));
  QB_TRY(file.digest, content.get_string("oid"));
  if (!is_safe_path(file.path))
    return fail(Errc::bad_input, "it has a file \"{}\", which would lie outside of its folder",
                printable(file.path));
  if (file.digest.starts_with("sha256:")) file.digest.erase(0, 7);
  if (file.size_bytes < 0 || file.size_bytes > file_bytes_max ||
      !(is_hex(file.digest, 64) || is_hex(file.digest, 40)))
    return fail(Errc::bad_input, "it gives no size and hash of {}", file.path);
  return file;
}

}  // namespace

Result<RepositoryInfo> parse_repository(std::string_view json) {
  QB_TRY(const Json answer, parse(json));
  const std::string& commit = answer["sha"].as_string();
  if (!is_hex(commit, 40)) return fail(Errc::bad_input, "the hub's answer names no commit");
  const Json& gated = answer["gated"];  // false, "auto" or "manual"
  return RepositoryInfo{commit, gated.is_string() || gated.as_bool()};
}

Result<void> parse_tree_page(std::string_view json, std::vector<RemoteFile>& files) {
  QB_TRY(const Json page, parse(json));
  if (!page.is_array()) return fail(Errc::bad_input, "the hub's answer is no listing");
  for (const Json& entry : page.as_array()) {
    if (entry["type"].as_string() != "file") continue;
    QB_TRY(RemoteFile file, with_context(file_of(entry), "the hub's listing can't be used"));
    files.push_back(std::move(file));
  }
  if (files.size() > file_count_max)
    return fail(Errc::bad_input, "the repository has more than {} files", file_count_max);
  return {};
}

Result<void> check_listing(std::vector<RemoteFile>& files) {
  std::ranges::sort(files, {}, &RemoteFile::path);
  for (size_t i = 1; i < files.size(); ++i)
    if (files[i].path == files[i - 1].path)
      return fail(Errc::bad_input, "the hub's listing has {} twice", files[i].path);
  for (const RemoteFile& file : files) {
    const std::string folder = file.path + "/";
    const auto next = std::ranges::lower_bound(files, folder, {}, &RemoteFile::path);
    if (next != files.end() && next->path.starts_with(folder))
      return fail(Errc::bad_input, "the hub's listing has {} as a file and as a folder", file.path);
  }
  return {};
}

std::optional<std::string> next_page_query(std::string_view link_header) {
  while (!link_header.empty()) {
    const size_t begin = link_header.find('<');
    const size_t end = link_header.find('>', begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) return {};
    const std::string_view target = link_header.substr(begin + 1, end - begin - 1);
    const size_t next = std::min(link_header.find('<', end), link_header.size());
    const std::string_view parameters = link_header.substr(end, next - end);
    const size_t query = target.find('?');
    if (parameters.find("rel=\"next\"") != std::string_view::npos &&
        query != std::string_view::npos)
      return std::string(target.substr(query + 1));
    link_header.remove_prefix(next);
  }
  return {};
}

Result<std::vector<std::string>> parse_shard_index(std::string_view json) {
  QB_TRY(const Json index, parse_json(json));
  std::vector<std::string> names;
  for (const auto& [tensor, file] : index["weight_map"].as_object()) {
    if (!is_safe_path(file.as_string()))
      return fail(Errc::bad_input, "weight {} is in no file of the folder: \"{}\"",
                  printable(tensor), printable(file.as_string()));
    names.push_back(file.as_string());
  }
  if (names.empty()) return fail(Errc::bad_input, "it has no weight_map");
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace qb::hub
