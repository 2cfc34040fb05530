#include "network/text/definition.h"

#include "network/text/pre_tokenizers.h"

namespace qb::text {
namespace {

constexpr std::string_view llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Row {
  std::string_view name;
  std::vector<std::string_view> patterns;  // one after another
  bool ignores_merges = false;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> made = {
      {"default", {gpt2_pattern}},
      {"gpt-2", {gpt2_pattern}},
      {"mpt", {gpt2_pattern}},
      {"smollm", {R"(\p{N})", gpt2_pattern}},
      {"starcoder", {R"(\p{N})", gpt2_pattern}},
      {"refact", {R"(\p{N})", gpt2_pattern}},
      {"command-r", {R"(\p{N})", gpt2_pattern}},
      {"falcon", {R"([\p{P}$+<=>^~|`]+)", gpt2_pattern, "[0-9][0-9][0-9]"}},
      {"llama-bpe", {llama3_pattern}, true},
      {"qwen2", {qwen2_pattern}},
  };
  return made;
}

}  // namespace

Json split_json(std::string_view pattern) {
  return Json::object({{"type", "Split"},
                       {"pattern", Json::object({{"Regex", pattern}})},
                       {"behavior", "Isolated"}});
}

Json byte_level_json(bool splits) {
  return Json::object({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", splits}});
}

Json qwen2_pre_tokenizer() {
  return Json::object({{"type", "Sequence"},
                       {"pretokenizers", Json::array_of(std::vector<Json>{
                                             split_json(qwen2_pattern), byte_level_json(false)})}});
}

Result<void> use_gguf_pre(std::string_view name, Definition& definition) {
  std::string known;
  for (const Row& row : rows()) {
    known += fmt::format("{}{}", known.empty() ? "" : " ", row.name);
    if (row.name != name) continue;
    Json steps;
    for (const std::string_view pattern : row.patterns) steps.push(split_json(pattern));
    steps.push(byte_level_json(false));
    definition.pre_tokenizer = Json::object({{"type", "Sequence"}, {"pretokenizers", steps}});
    definition.model.set("ignore_merges", row.ignores_merges);
    return {};
  }
  return fail(Errc::unsupported, "pre-tokenizer \"{}\" is not known; known: {}", name, known);
}

}  // namespace qb::text
