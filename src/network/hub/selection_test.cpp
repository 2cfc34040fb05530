#include "network/hub/selection.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::hub;

namespace {

using Names = std::vector<std::string>;

std::vector<RemoteFile> files_of(const Names& names) {
  std::vector<RemoteFile> files;
  for (const std::string& name : names) files.push_back({name, 10, std::string(40, 'a')});
  REQUIRE(check_listing(files));
  return files;
}

// The names that are selected; the error's message alone if there is one.
Names selected(const Names& names, const Names& chosen = {}, const Names& shards = {}) {
  const auto files = select_files(files_of(names), chosen, shards);
  if (!files) return {files.error().message};
  Names found;
  for (const RemoteFile& file : *files) found.push_back(file.path);
  return found;
}

}  // namespace

TEST_CASE("a model is its weights in one format, and what else its folder needs") {
  CHECK(selected({"README.md", "config.json", "model.safetensors", "pytorch_model.bin",
                  "pytorch_model.bin.index.json", "tf_model.h5", "onnx/model.onnx",
                  "onnx/config.json", "tokenizer.model", "vocab.txt", "chat_template.jinja",
                  "1_Pooling/config.json", "openvino_config.json", "model.fp16.safetensors"}) ==
        Names{"1_Pooling/config.json", "chat_template.jinja", "config.json", "model.safetensors",
              "tokenizer.model", "vocab.txt"});
  CHECK(selected({"config.json", "pytorch_model.bin", "training_args.bin"}) ==
        Names{"config.json", "pytorch_model.bin"});
  CHECK(selected({"adapter_config.json", "adapter_model.safetensors"}) ==
        Names{"adapter_config.json", "adapter_model.safetensors"});
  CHECK(selected({"config.json", "flax_model.msgpack"})[0].starts_with("no weights"));
}

TEST_CASE("shards are those of the index, or all of their number") {
  const Names names = {"config.json", "model-00001-of-00002.safetensors",
                       "model-00002-of-00002.safetensors", "consolidated.safetensors"};
  CHECK(selected(names) == Names{"config.json", "model-00001-of-00002.safetensors",
                                 "model-00002-of-00002.safetensors"});
  CHECK(selected({"model-00001-of-00002.safetensors"}) ==
        Names{"no file model-00002-of-00002.safetensors in the repository"});
  Names indexed = names;
  indexed.emplace_back("model.safetensors.index.json");
  CHECK(shard_index_of(files_of(indexed), {}) == "model.safetensors.index.json");
  CHECK(selected(indexed, {}, {"consolidated.safetensors"}) ==
        Names{"config.json", "consolidated.safetensors", "model.safetensors.index.json"});
  CHECK(selected(indexed, {}, {"x.safetensors"})[0].starts_with("its index of weights"));
}

TEST_CASE("an index of .bin files counts only without safetensors") {
  CHECK(shard_index_of(files_of({"pytorch_model.bin.index.json"}), {}) ==
        "pytorch_model.bin.index.json");
  CHECK(shard_index_of(files_of({"pytorch_model.bin.index.json", "a.safetensors"}), {}).empty());
  CHECK(
      shard_index_of(files_of({"model.safetensors", "model.safetensors.index.json"}), {}).empty());
  CHECK(shard_index_of(files_of({"model.safetensors.index.json"}), {"a"}).empty());
}

TEST_CASE("the only .gguf is the model, of several the user chooses one") {
  CHECK(selected({"config.json", "a.gguf"}) == Names{"a.gguf"});
  CHECK(selected({"a-00001-of-00002.gguf", "a-00002-of-00002.gguf"}).size() == 2);
  CHECK(selected({"a.gguf", "b.gguf"})[0].find("a.gguf (10.0 B), b.gguf (10.0 B)") !=
        std::string::npos);
  CHECK(selected({"a.gguf", "b.gguf"}, {"b.gguf"}) == Names{"b.gguf"});
  CHECK(selected({"a.gguf"}, {"c.gguf"}) == Names{"no file c.gguf in the repository"});
}

TEST_CASE("a part of a split file stands for all parts") {
  CHECK(parts_of("x/y-00002-of-00003.gguf") ==
        Names{"x/y-00001-of-00003.gguf", "x/y-00002-of-00003.gguf", "x/y-00003-of-00003.gguf"});
  for (const char* whole : {"x.gguf", "x-00004-of-00003.gguf", "x-00000-of-00003.gguf",
                            "x-1-of-3.gguf", "x-00001-of-00003", "-00001-of-99999.gguf"})
    CHECK(parts_of(whole) == Names{whole});
}
