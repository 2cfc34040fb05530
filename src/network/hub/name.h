// Names on a model hub: ORG/NAME[@REVISION], and the paths of a repository's files.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qb::hub {

struct RepositoryName {
  std::string id;                 // "Qwen/Qwen3-0.6B"
  std::string revision = "main";  // a branch, a tag, or a commit's 40 digits

  friend bool operator==(const RepositoryName&, const RepositoryName&) = default;
};

std::string text_of(const RepositoryName& name);  // as it is given; without "@main"

// Error: bad_input, what is wrong with the text as a name.
Result<RepositoryName> parse_name(std::string_view text);

// Whether text is a commit's or a blob's name: hexadecimal digits, `count` of them.
bool is_hex(std::string_view text, size_t count);

// Whether a path that a server tells stays below the folder that it is put into, on any system:
// relative, with '/' only, no "." and "..", no control characters, no name above 255 bytes.
bool is_safe_path(std::string_view path);

}  // namespace qb::hub
