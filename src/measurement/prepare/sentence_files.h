// What sentence-transformers keeps beside a config.json: how an encoder's tokens become the vector
// of a sentence.
#pragma once

#include <filesystem>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace qb::prepare {

struct SentenceFiles {
  Json fields;  // as models/sentence.h reads them; null: the folder has no modules.json
  std::vector<std::filesystem::path> paths;
};

// Errors: a file that can't be read, is no JSON, or lies outside the folder.
Result<SentenceFiles> read_sentence_files(const std::filesystem::path& folder);

}  // namespace qb::prepare
