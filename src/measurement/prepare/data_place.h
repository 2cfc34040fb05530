// What makers of datasets share: where things lie, and keeping what was made.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"
#include "measurement/prepare/dataset.h"
#include "network/text/tokenizer.h"

namespace qb::prepare {

// Where what a task takes lies, and where it is kept.
struct DataPlace {
  const ModelSource& source;
  const std::filesystem::path& data_folder;
  const std::filesystem::path& cache_folder;
  const UserData& user;
};

// The file of that recipe below `cache_folder`, made by `save` when it isn't there yet, or isn't
// whole.
Result<Dataset> find_or_save(const std::string& recipe, const std::filesystem::path& cache_folder,
                             const std::function<Result<void>(const std::filesystem::path&)>& save);

// Error: the model has none, and why.
Result<void> check_tokenizer(const ModelSource& source);
// The model's, for a text as its network takes it: with the special tokens, cut, not padded.
Result<text::Tokenizer> sentence_tokenizer(const ModelSource& source, int64_t max_tokens);

}  // namespace qb::prepare
