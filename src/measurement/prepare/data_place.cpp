#include "measurement/prepare/data_place.h"

#include "compression/bundle/code_hash.h"
#include "compression/bundle/tensor_file.h"

namespace qb::prepare {
namespace fs = std::filesystem;

Result<void> check_tokenizer(const ModelSource& source) {
  if (source.tokenizer) return {};
  return fail(Errc::unavailable, "{} has no tokenizer that text could be cut with: {}",
              source.model.name, source.tokenizer_problem);
}

Result<Dataset> find_or_save(const std::string& recipe, const fs::path& cache_folder,
                             const std::function<Result<void>(const fs::path&)>& save) {
  const fs::path folder = cache_folder / "datasets";
  const fs::path file =
      folder / fmt::format("{}.tensors", bundle::recipe_key(recipe, bundle::code_of_datasets()));
  Result<bundle::TensorFile> tensors = bundle::TensorFile::open(file);
  if (!tensors) {
    std::error_code error;
    fs::create_directories(folder, error);
    QB_CHECK(save(file));
    tensors = bundle::TensorFile::open(file);
  }
  if (!tensors) return tl::unexpected(std::move(tensors).error());
  return Dataset{file, tensors->attributes()["name"].as_string(), tensors->content_hash(),
                 tensors->attributes()["item_count"].as_int()};
}

Result<text::Tokenizer> sentence_tokenizer(const ModelSource& source, int64_t max_tokens) {
  QB_CHECK(check_tokenizer(source));
  text::Definition definition = *source.tokenizer;
  definition.padding = nullptr;
  definition.truncation = Json::object({{"max_length", max_tokens},
                                        {"strategy", "LongestFirst"},
                                        {"stride", 0},
                                        {"direction", "Right"}});
  return text::build_tokenizer(definition);
}

}  // namespace qb::prepare
