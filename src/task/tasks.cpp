// The rows.
#include <array>

#include "task/task.h"

namespace qb::task {
namespace {

constexpr Axis batch = {.name = "batch",
                        .suite_key = "batch",
                        .summary = "batches",
                        .letter = 'b',
                        .is_in_every_id = true,
                        .sweep = " batch {}",
                        .heading = "batch"};
constexpr Axis thread_count = {.name = "thread_count",
                               .suite_key = "threads",
                               .summary = "thread counts",
                               .default_value = std::nullopt,
                               .letter = 't',
                               .is_in_every_id = true,
                               .heading = "threads",
                               .is_always_shown = true,
                               .shared = "{} threads"};
constexpr Axis prompt_tokens = {.name = "prompt_tokens",
                                .suite_key = "prompt_tokens",
                                .summary = "tokens of a prompt",
                                .default_value = 128.0,
                                .letter = 'p',
                                .is_in_every_id = true,
                                .is_context = true,
                                .title = ", prompt of {} tokens"};
constexpr Axis generated_tokens = {.name = "generated_tokens",
                                   .suite_key = "generated_tokens",
                                   .summary = "tokens that follow a prompt",
                                   .default_value = 64.0,
                                   .letter = 'g',
                                   .is_in_every_id = true,
                                   .is_context = true,
                                   .is_passes = true,
                                   .title = ", {} generated"};
constexpr Axis depth_tokens = {.name = "depth_tokens",
                               .suite_key = "depth",
                               .summary = "tokens before the prompt",
                               .smallest = 0.0,
                               .default_value = 0.0,
                               .letter = 'd',
                               .is_context = true,
                               .sweep = " at depth {}",
                               .heading = "depth",
                               .unit = "tokens",
                               .shared = "{} tokens before the prompt"};
constexpr std::string_view arrival_metrics[] = {"arrival_latency_ns_p50", "arrival_latency_ns_p90",
                                                "arrival_latency_ns_p99", "arrivals_served_per_s"};
constexpr Axis arrivals_per_s = {.name = "arrivals_per_s",
                                 .suite_key = "arrivals_per_s",
                                 .summary = "rates at which requests come",
                                 .is_integer = false,
                                 .smallest = 0.0,
                                 .default_value = 0.0,
                                 .letter = 'r',
                                 .sweep = " at {}/s",
                                 .heading = "arrivals",
                                 .unit = "1/s",
                                 .default_note = "one request after another",
                                 .metrics = arrival_metrics};

constexpr const Axis* language_axes[] = {
    &batch, &thread_count, &prompt_tokens, &generated_tokens, &depth_tokens, &arrivals_per_s};
constexpr std::string_view language_metrics[] = {"load_ns",
                                                 "prefill_tokens_per_s",
                                                 "time_to_first_token_ns_p50",
                                                 "decode_tokens_per_s",
                                                 "decode_ns_p50",
                                                 "decode_ns_p90",
                                                 "decode_ns_p99",
                                                 "generation_ns_p50",
                                                 "joules_per_token",
                                                 "joules_per_generated_token",
                                                 "dram_joules_per_token",
                                                 "dram_joules_per_generated_token",
                                                 "perplexity",
                                                 "perplexity_ratio",
                                                 "top1_agreement",
                                                 "kl_divergence",
                                                 "logit_cosine",
                                                 "logit_max_abs_difference"};
constexpr Column language_columns[] = {{"bits_per_weight", 14},
                                       {"bundle_bytes", 3},
                                       {"decode_tokens_per_s", 0, true},
                                       {"speed_ratio", 1},
                                       {"arrival_latency_ns_p50", 2},
                                       {"arrival_latency_ns_p99", 2},
                                       {"prefill_tokens_per_s", 9},
                                       {"time_to_first_token_ns_p50", 7},
                                       {"rss_bytes_peak", 8},
                                       {"perplexity", 4, true},
                                       {"top1_agreement", 2, true},
                                       {"kl_divergence", 10, true}};

constexpr const Axis* picture_axes[] = {&batch, &thread_count, &arrivals_per_s};
constexpr std::string_view picture_metrics[] = {"load_ns",
                                                "inference_ns_p50",
                                                "inference_ns_p90",
                                                "inference_ns_p99",
                                                "pictures_per_s",
                                                "joules_per_picture",
                                                "dram_joules_per_picture",
                                                "top1_accuracy",
                                                "top5_accuracy",
                                                "top1_agreement",
                                                "kl_divergence",
                                                "logit_cosine",
                                                "logit_max_abs_difference"};
constexpr Column picture_columns[] = {
    {"bits_per_weight", 14},    {"bundle_bytes", 3},           {"pictures_per_s", 0, true},
    {"speed_ratio", 1},         {"arrival_latency_ns_p50", 2}, {"arrival_latency_ns_p99", 2},
    {"inference_ns_p50", 7},    {"inference_ns_p90", 9},       {"rss_bytes_peak", 8},
    {"top1_accuracy", 4, true}, {"top1_agreement", 2, true},   {"logit_cosine", 10}};

constexpr std::string_view zero_shot_metrics[] = {
    "load_ns",        "inference_ns_p50",        "inference_ns_p90",   "inference_ns_p99",
    "pictures_per_s", "class_text_ns_p50",       "joules_per_picture", "dram_joules_per_picture",
    "top1_accuracy",  "top5_accuracy",           "top1_agreement",     "kl_divergence",
    "logit_cosine",   "logit_max_abs_difference"};
constexpr Column zero_shot_columns[] = {
    {"bits_per_weight", 14},     {"bundle_bytes", 3},           {"pictures_per_s", 0, true},
    {"speed_ratio", 1},          {"arrival_latency_ns_p50", 2}, {"arrival_latency_ns_p99", 2},
    {"inference_ns_p50", 7},     {"inference_ns_p90", 9},       {"class_text_ns_p50", 6},
    {"rss_bytes_peak", 8},       {"top1_accuracy", 4, true},    {"top5_accuracy", 11},
    {"top1_agreement", 2, true}, {"logit_cosine", 10}};

constexpr Axis sentence_tokens = {.name = "tokens",
                                  .suite_key = "tokens",
                                  .summary = "tokens of a sentence",
                                  .default_value = 128.0,
                                  .letter = 'n',
                                  .is_in_every_id = true,
                                  .is_context = true,
                                  .title = ", sentences of {} tokens"};
constexpr const Axis* sentence_axes[] = {&batch, &thread_count, &sentence_tokens, &arrivals_per_s};
constexpr std::string_view sentence_metrics[] = {"load_ns",
                                                 "inference_ns_p50",
                                                 "inference_ns_p90",
                                                 "inference_ns_p99",
                                                 "sentences_per_s",
                                                 "joules_per_sentence",
                                                 "dram_joules_per_sentence",
                                                 "embedding_cosine",
                                                 "embedding_cosine_min",
                                                 "top1_agreement",
                                                 "top10_overlap",
                                                 "rank_correlation"};
constexpr Column sentence_columns[] = {
    {"bits_per_weight", 14},     {"bundle_bytes", 3},           {"sentences_per_s", 0, true},
    {"speed_ratio", 1},          {"arrival_latency_ns_p50", 2}, {"arrival_latency_ns_p99", 2},
    {"inference_ns_p50", 7},     {"inference_ns_p90", 9},       {"rss_bytes_peak", 8},
    {"top1_agreement", 2, true}, {"top10_overlap", 4},          {"rank_correlation", 10},
    {"embedding_cosine", 5},     {"embedding_cosine_min", 11}};

// A file has its shapes, batch included: only how many threads there are is chosen.
constexpr const Axis* file_axes[] = {&batch, &thread_count};
constexpr std::string_view file_metrics[] = {
    "inference_ns_p50",          "inference_ns_p90",    "inference_ns_p99",
    "inferences_per_s",          "joules_per_run",      "dram_joules_per_run",
    "output_max_abs_difference", "output_relative_rms", "output_cosine"};
constexpr Column file_columns[] = {{"bundle_bytes", 3},       {"inferences_per_s", 0, true},
                                   {"speed_ratio", 1},        {"inference_ns_p50", 5},
                                   {"inference_ns_p90", 11},  {"first_run_ns", 13},
                                   {"compile_ns", 12},        {"rss_bytes_peak", 8},
                                   {"output_cosine", 2},      {"output_max_abs_difference", 6},
                                   {"output_relative_rms", 4}};

constexpr Task rows[] = {
    {.name = "causal_lm",
     .summary = "text generation: a prompt's prefill, then greedy decoding",
     .item = "tokens",
     .item_fact = "token_count",
     .items_like = "of this text",
     .are_items_dependent = true,
     .dataset = "text",
     .axes = language_axes,
     .speed_metric = "decode_tokens_per_s",
     .quality_metric = "top1_agreement",
     .metrics = language_metrics,
     .columns = language_columns},
    {.name = "zero_shot",
     .summary = "pictures to classes that texts describe",
     .item = "pictures",
     .item_fact = "picture_count",
     .items_like = "of pictures like these",
     .dataset = "described_pictures",
     .suite = "vision",
     .axes = picture_axes,
     .speed_metric = "pictures_per_s",
     .quality_metric = "top1_agreement",
     .metrics = zero_shot_metrics,
     .columns = zero_shot_columns},
    {.name = "image_classification",
     .summary = "pictures to classes",
     .item = "pictures",
     .item_fact = "picture_count",
     .items_like = "of pictures like these",
     .dataset = "pictures",
     .axes = picture_axes,
     .speed_metric = "pictures_per_s",
     .quality_metric = "top1_agreement",
     .metrics = picture_metrics,
     .columns = picture_columns},
    {.name = "embedding",
     .summary = "sentences to vectors, whose neighbours are searched for",
     .item = "sentences",
     .item_fact = "sentence_count",
     .items_like = "of this text",
     .are_items_dependent = true,
     .dataset = "sentences",
     .suite = "embedding",
     .axes = sentence_axes,
     .speed_metric = "sentences_per_s",
     .quality_metric = "top1_agreement",
     .metrics = sentence_metrics,
     .columns = sentence_columns},
    {.name = "own_file",
     .summary = "a model file of the user's own, run as it is",
     .item = "runs",
     .items_like = "of these inputs",
     .axes = file_axes,
     .speed_metric = "inferences_per_s",
     .quality_metric = "output_cosine",
     .variant = Variant::model,
     .group = "model files",
     .variant_heading = "file",
     .base = "the first file",
     .base_heading = "vs first",
     .base_missing = "needs this file and the first one",
     .metrics = file_metrics,
     .columns = file_columns},
};

// Every axis once, in the order in which the rows bring them.
constexpr auto all_axes = [] {
  std::array<const Axis*, 32> found = {};
  size_t count = 0;
  for (const Task& row : rows)
    for (const Axis* axis : row.axes) {
      bool is_new = true;
      for (size_t i = 0; i < count; ++i) is_new = is_new && found[i] != axis;
      if (is_new) found[count++] = axis;
    }
  return std::pair(found, count);
}();

}  // namespace

std::span<const Task> tasks() { return rows; }
std::span<const Axis* const> axes() { return {all_axes.first.data(), all_axes.second}; }

}  // namespace qb::task
