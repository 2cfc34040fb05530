#include "measurement/prepare/sentence_files.h"

#include <algorithm>

#include "base/file.h"

namespace qb::prepare {
namespace fs = std::filesystem;
namespace {

Result<Json> read_json(const fs::path& folder, const fs::path& name, SentenceFiles& files) {
  QB_TRY(const std::string text, read_file(folder / name));
  files.paths.push_back(folder / name);
  return with_context(parse_json(text), name.string());
}

// A module has a folder of its own below the model's.
Result<fs::path> folder_of(const Json& module) {
  const fs::path path = module["path"].as_string();
  const bool leaves = path.is_absolute() || std::ranges::find(path, "..") != path.end();
  if (leaves)
    return fail(Errc::bad_input, "modules.json: {} lies outside the folder", path.string());
  return path;
}

}  // namespace

Result<SentenceFiles> read_sentence_files(const fs::path& folder) {
  SentenceFiles files;
  std::error_code ignored;
  if (!fs::exists(folder / "modules.json", ignored)) return files;
  QB_TRY(Json modules, read_json(folder, "modules.json", files));
  files.fields = Json::object({});
  for (const Json& module : modules.as_array()) {
    if (!module["type"].as_string().ends_with(".Pooling")) continue;
    QB_TRY(const fs::path place, folder_of(module));
    QB_TRY(Json pooling, read_json(folder, place / "config.json", files));
    files.fields.set("pooling", std::move(pooling));
  }
  if (fs::exists(folder / "sentence_bert_config.json", ignored)) {
    QB_TRY(Json transformer, read_json(folder, "sentence_bert_config.json", files));
    files.fields.set("transformer", std::move(transformer));
  }
  files.fields.set("modules", std::move(modules));
  return files;
}

}  // namespace qb::prepare
