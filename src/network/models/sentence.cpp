#include "network/models/sentence.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace qb::models {
namespace {

void refuse(Config& config, std::string message) {
  config.fail_with({Errc::unsupported, std::move(message)});
}

// "Pooling" of "sentence_transformers.models.Pooling".
std::string class_of(const Json& module) {
  const std::string& type = module["type"].as_string();
  return type.substr(type.rfind('.') + 1);
}

// The modules are run one after another.
bool read_modules(Config& config, const Json::Array& modules) {
  std::vector<std::string> classes;
  for (const Json& module : modules) classes.push_back(class_of(module));
  const std::vector<std::string> whole = {"Transformer", "Pooling", "Normalize"};
  const bool is_followed = classes.size() >= 2 && classes.size() <= 3 &&
                           std::ranges::equal(classes, std::span(whole).first(classes.size()));
  if (!is_followed)
    refuse(config, fmt::format("modules.json has [{}], followed are [{}] and the first two alone",
                               fmt::join(classes, ", "), fmt::join(whole, ", ")));
  return classes.size() == 3;
}

// {"pooling_mode": "mean"}, or a flag for each: {"pooling_mode_mean_tokens": true}.
Pooling read_pooling(Config& config, const Json& pooling) {
  constexpr std::string_view prefix = "pooling_mode";
  std::vector<std::string> modes;
  for (const auto& [key, value] : pooling.as_object()) {
    if (!key.starts_with(prefix)) continue;
    if (key == prefix && value.is_string()) modes.push_back(value.as_string());
    if (key.size() > prefix.size() && value.as_bool())
      modes.push_back(key.substr(prefix.size() + 1));
  }
  const bool is_mean =
      modes == std::vector<std::string>{"mean"} || modes == std::vector<std::string>{"mean_tokens"};
  const bool is_first =
      modes == std::vector<std::string>{"cls"} || modes == std::vector<std::string>{"cls_token"};
  if (!is_mean && !is_first)
    refuse(config, fmt::format("pooling by [{}] is not followed; by mean or cls it is",
                               fmt::join(modes, ", ")));
  return is_first ? Pooling::first : Pooling::mean;
}

}  // namespace

SentenceOptions read_sentence(Config& config) {
  const Json& sentence = config["sentence_transformers"];
  if (sentence.is_null()) return {};
  if (sentence["transformer"]["do_lower_case"].as_bool())
    refuse(config, "sentence_bert_config.json: do_lower_case is true, which is not followed");
  return {.pooling = read_pooling(config, sentence["pooling"]),
          .is_normalized = read_modules(config, sentence["modules"].as_array()),
          .max_tokens = std::max<int64_t>(0, sentence["transformer"]["max_seq_length"].as_int())};
}

ir::Value sentence_vector(ir::Builder& b, ir::Value x, ir::Value mask,
                          const SentenceOptions& options) {
  const ir::Value pooled = options.pooling == Pooling::mean
                               ? b.apply(ir::Op::mean_tokens, {x, mask})
                               : b.apply(ir::Op::pick_tokens, {x});
  return options.is_normalized ? b.apply(ir::Op::l2_normalize, {pooled}) : pooled;
}

}  // namespace qb::models
