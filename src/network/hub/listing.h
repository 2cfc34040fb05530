// What a repository holds, as the hub's answers say. Pure functions of text from a server: what is
// not as it should be is an error, and no path in a listing leads out of the repository's folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/hub/digest.h"

namespace qb::hub {

struct RemoteFile {
  std::string path;  // with '/'; is_safe_path() holds
  int64_t size_bytes = 0;
  std::string digest;  // 64 hexadecimal digits of SHA-256, or 40 of git's SHA-1; the blob's name

  DigestKind digest_kind() const {
    return digest.size() == 64 ? DigestKind::sha256 : DigestKind::sha1;
  }
};

struct RepositoryInfo {
  std::string commit;  // 40 hexadecimal digits
  bool is_gated = false;
};

// Of /api/models/ID/revision/REVISION.
Result<RepositoryInfo> parse_repository(std::string_view json);

// Appends the files of one page of /api/models/ID/tree/COMMIT?recursive=true.
Result<void> parse_tree_page(std::string_view json, std::vector<RemoteFile>& files);

// The listing as a whole: sorted by path. Error: a path twice, or one that is a file and a folder.
Result<void> check_listing(std::vector<RemoteFile>& files);

// The query ("cursor=…") of the page that a Link header names as the next one; empty: there is
// none. Only the query is taken: where the server is, nobody but the user says.
std::optional<std::string> next_page_query(std::string_view link_header);

// The files that a .index.json's weight_map names, each once, sorted.
Result<std::vector<std::string>> parse_shard_index(std::string_view json);

}  // namespace qb::hub
