// Which files of a repository a model needs: pure functions of its listing.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/hub/listing.h"

namespace qb::hub {

// An index of shards that is to be read before the selection is known; "" for none. (Where the
// user names files there is none.)
std::string shard_index_of(const std::vector<RemoteFile>& files,
                           const std::vector<std::string>& chosen);

// With `chosen` empty: the model's weights (safetensors before .bin before .gguf) and beside them
// what else its folder needs: configurations, tokenizers. Otherwise the chosen files, and for a
// part of a split .gguf the other parts. `shards`: what the index names; empty where there is none.
// Errors: not_found, for what the repository lacks; bad_input, where the user has to choose.
Result<std::vector<RemoteFile>> select_files(const std::vector<RemoteFile>& files,
                                             const std::vector<std::string>& chosen,
                                             const std::vector<std::string>& shards);

// The names of all parts of a split file ("x-00001-of-00003.gguf"); the name alone if it is none.
std::vector<std::string> parts_of(std::string_view path);

int64_t total_bytes(const std::vector<RemoteFile>& files);

}  // namespace qb::hub
