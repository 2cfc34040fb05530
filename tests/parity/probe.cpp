// Gives the parity scripts a hand on the project's own functions.
//   probe tokenize FILE|FOLDER     lines of JSON text on stdin; for each JSON of its ids, of a
//                                  network's ids for it, and of what the ids decode to
//   probe weights FILE [CONFIG]    name, shape and hash of the f32 values of each tensor; with a
//                                  config.json, of what another tool quantized as it says
//   probe picture FILE SIZE cut_out|plain   RGB bytes of the prepared picture
//   probe pixels MODEL FILE        the f32 values that a model's network gets for that picture
//   probe encode|decode FORMAT     f32 weights on stdin to blocks, or blocks to f32 weights
//   probe stats                    a JSON list of numbers on stdin; JSON of its statistics
//   probe gate                     {"before": [...], "after": [...], "p_values": [...],
//                                  "variances": [[value, degrees of freedom], ...]} on stdin; JSON
//   probe ratio                    {"own": [[ns, ...] a launch, ...], "base": ...} on stdin; JSON
//   of
//                                  own's speed over base's, launch i of one with launch i of the
//                                  other
//   probe store FILE               a made-up run of classifiers on stdin, as tests/made_up_runs.py
//                                  writes it, into a store
//   probe prepare MODEL SCHEME DATA CACHE   JSON: bundle and dataset
//   probe bundle MODEL SCHEME CACHE         the bundle's folder
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <span>

#include "base/hash.h"
#include "compression/quant/scheme.h"
#include "measurement/prepare/dataset.h"
#include "measurement/prepare/gguf_tokenizer.h"
#include "network/ggml/block_formats.h"
#include "network/pictures/picture.h"
#include "network/pictures/prepare.h"
#include "network/text/tokenizer.h"
#include "network/weights/quantized.h"
#include "network/weights/weight_file.h"
#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"
#include "results/store/store.h"
#include "stats/change.h"
#include "stats/chunks.h"
#include "stats/correlation.h"
#include "stats/discovery.h"
#include "stats/intervals.h"
#include "stats/moderation.h"
#include "stats/ranks.h"

using namespace qb;

namespace {

Result<text::Definition> load_definition(const std::string& path) {
  if (!path.ends_with(".gguf")) return text::load_definition(path);
  QB_TRY(const weights::WeightFile file, weights::load_weights(path));
  return prepare::tokenizer_of(file);
}

Result<void> tokenize(const std::string& path) {
  QB_TRY(const text::Definition definition, load_definition(path));
  QB_TRY(const text::Tokenizer tokenizer, text::build_tokenizer(definition));
  for (std::string line; std::getline(std::cin, line);) {
    QB_TRY(const Json text, parse_json(line));
    QB_TRY(const std::vector<int32_t> ids, tokenizer.encode(text.as_string()));
    QB_TRY(const std::vector<int32_t> whole, tokenizer.encode_whole(text.as_string()));
    std::puts(dump_json(Json::object({{"ids", Json::array_of(ids)},
                                      {"whole", Json::array_of(whole)},
                                      {"text", tokenizer.decode(ids)}}))
                  .c_str());
  }
  return {};
}

Result<void> print_weights(const std::string& path, const std::string& config_path = "") {
  QB_TRY(weights::WeightFile file, weights::load_weights(path));
  if (!config_path.empty()) {
    QB_TRY(const std::string config, read_file(config_path));
    QB_TRY(const Json json, parse_json(config));
    QB_CHECK(weights::join_quantized(json, file));
  }
  for (const weights::StoredTensor& tensor : file.tensors) {
    std::vector<float> values(tensor.element_count());
    if (!weights::decode_f32(tensor, values)) continue;  // no weights, such as a counter
    std::puts(dump_json(Json::object({{"name", tensor.name},
                                      {"shape", Json::array_of(tensor.shape)},
                                      {"hash", hash_of(std::as_bytes(std::span(values)))}}))
                  .c_str());
  }
  return {};
}

Result<void> print_picture(const std::string& path, int64_t size_px, bool is_cut_out) {
  QB_TRY(const pictures::Picture picture, pictures::load_picture(path));
  const pictures::Picture square = is_cut_out
                                       ? pictures::composite_on_white_square(picture, 1.15)
                                       : pictures::crop_centre_square(pictures::to_rgb(picture));
  const pictures::Picture small =
      pictures::resize(square, size_px, size_px, models::Filter::bicubic);
  std::fwrite(small.pixels.data(), 1, small.pixels.size(), stdout);
  return {};
}

Result<void> print_pixels(const std::string& model, const std::string& file) {
  QB_TRY(const prepare::ModelSource source, prepare::open_model(model, "."));
  if (!source.model.picture_problem.empty())
    return fail(Errc::unavailable, "{}", source.model.picture_problem);
  QB_TRY(const pictures::Picture picture, pictures::load_picture(file));
  const models::Preprocessing& preprocessing = source.model.preprocessing;
  const auto side = static_cast<size_t>(preprocessing.size_px());
  std::vector<float> values(3 * side * side);
  QB_TRY(const pictures::Picture fitted, pictures::fit(pictures::to_rgb(picture), preprocessing));
  pictures::to_planar_f32(fitted, preprocessing, values);
  std::fwrite(values.data(), sizeof(float), values.size(), stdout);
  return {};
}

Result<ggml::BlockRow> find_block_format(std::string_view name) {
  for (const ggml::BlockRow& row : ggml::block_formats())
    if (row.name == name) return row;
  return fail(Errc::bad_input, "unknown block format {}", name);
}

Result<void> convert_blocks(std::string_view name, bool is_encoding) {
  QB_TRY(const ggml::BlockRow row, find_block_format(name));
  if (is_encoding && !ggml::can_encode(row.format))
    return fail(Errc::bad_input, "{} is decoded only", name);
  const std::string bytes(std::istreambuf_iterator<char>(std::cin), {});
  const size_t value_bytes = static_cast<size_t>(row.length) * sizeof(float);
  const size_t block_count =
      bytes.size() / (is_encoding ? value_bytes : static_cast<size_t>(row.bytes));
  std::vector<float> values(block_count * static_cast<size_t>(row.length));
  std::vector<std::byte> blocks(block_count * static_cast<size_t>(row.bytes));
  if (is_encoding) {
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    ggml::encode(row.format, values, blocks);
    std::fwrite(blocks.data(), 1, blocks.size(), stdout);
  } else {
    std::memcpy(blocks.data(), bytes.data(), blocks.size());
    ggml::decode(row.format, blocks, values);
    std::fwrite(values.data(), sizeof(float), values.size(), stdout);
  }
  return {};
}

Json interval_json(const std::optional<stats::Interval>& interval) {
  if (!interval) return {};
  return Json::array_of(std::vector<double>{interval->low, interval->high});
}

Result<void> print_stats() {
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  QB_TRY(const Json json, parse_json(text));
  std::vector<double> values;
  for (const Json& item : json.as_array()) values.push_back(item.as_double());
  std::vector<double> quantiles;
  for (const double q : {0.0, 0.1, 0.25, 0.5, 0.9, 0.99, 1.0})
    quantiles.push_back(stats::quantile(values, q));
  std::vector<double> correlations;
  for (size_t lag = 1; lag <= 10; ++lag)
    correlations.push_back(stats::autocorrelation(values, lag));
  const double share = 1.0 / (1.0 + std::fabs(stats::mean(values)));
  const auto chunks = stats::chunk_means(values);
  Json result = Json::object(
      {{"mean", stats::mean(values)},
       {"standard_deviation", stats::standard_deviation(values).value_or(0)},
       {"quantiles", Json::array_of(quantiles)},
       {"median_interval", interval_json(stats::median_interval(values))},
       {"mean_interval", interval_json(stats::mean_interval(values))},
       {"geometric_mean_interval", interval_json(stats::geometric_mean_interval(values))},
       {"wilson_share", share},
       {"wilson_interval",
        interval_json(stats::wilson_interval(share, static_cast<double>(values.size())))},
       {"chunks", Json::array_of(chunks)},
       {"chunks_interval",
        interval_json(stats::chunks_interval(chunks, stats::mean(values), values.size()))},
       {"effective_sample_size", stats::effective_sample_size(values)},
       {"autocorrelation", Json::array_of(correlations)}});
  if (!chunks.empty())
    result.set("effective_count", stats::effective_count(chunks, share, values.size()));
  std::puts(dump_json(result).c_str());
  return {};
}

std::vector<double> doubles_of(const Json& json) {
  std::vector<double> values;
  for (const Json& item : json.as_array()) values.push_back(item.as_double());
  return values;
}

Json estimate_json(const stats::Estimate& e) {
  return Json::array_of(std::vector<double>{e.value, std::sqrt(e.variance.value / e.weight),
                                            e.variance.degrees_of_freedom});
}

Json estimates_json(const stats::Estimates& e) {
  return Json::object({{"mean", estimate_json(e.mean)}, {"trimmed", estimate_json(e.trimmed)}});
}

Json rank_json(const stats::RankTest& test) {
  return Json::array_of(std::vector<double>{test.p, test.p_smallest});
}

Result<void> print_gate() {
  QB_TRY(const Json json, parse_json(std::string(std::istreambuf_iterator<char>(std::cin), {})));
  const std::vector<double> before = doubles_of(json["before"]);
  const std::vector<double> after = doubles_of(json["after"]);
  std::vector<stats::Variance> variances;
  for (const Json& item : json["variances"].as_array())
    variances.push_back({item.as_array()[0].as_double(), item.as_array()[1].as_double()});
  const stats::VariancePrior prior = stats::fit_prior(variances);
  Json result = Json::object(
      {{"unpaired", estimates_json(stats::unpaired_change(before, after))},
       {"rank_sum", rank_json(stats::rank_sum_test(before, after))},
       {"adjusted", Json::array_of(stats::adjusted_for_discovery(doubles_of(json["p_values"])))},
       {"prior", Json::array_of(std::vector<double>{prior.value, prior.degrees_of_freedom})}});
  if (before.size() == after.size()) {
    std::vector<double> differences;
    for (size_t i = 0; i < before.size(); ++i) differences.push_back(after[i] - before[i]);
    result.set("paired", estimates_json(stats::paired_change(before, after)))
        .set("signed_rank", rank_json(stats::signed_rank_test(differences)));
  }
  std::puts(dump_json(result).c_str());
  return {};
}

Record record_of(const Json& launches) {
  Record record = {.subject = {.workload = {{"batch", 1}}}};
  for (const Json& samples : launches.as_array()) {
    SampleSeries series = {.phase = "inference"};
    for (const Json& ns : samples.as_array()) series.duration_ns.push_back(ns.as_int());
    record.launches.push_back(
        {.index = static_cast<int64_t>(record.launches.size()), .samples = {std::move(series)}});
  }
  record.measurements = metrics::measure(record);
  return record;
}

Result<void> print_ratio() {
  QB_TRY(const Json json, parse_json(std::string(std::istreambuf_iterator<char>(std::cin), {})));
  const auto ratio = metrics::speed_ratio(record_of(json["own"]), record_of(json["base"]));
  if (!ratio) return fail(Errc::bad_input, "one of the two has no launch");
  std::puts(dump_json(Json::object({{"value", ratio->value},
                                    {"interval", interval_json(ratio->interval)},
                                    {"pair_count", ratio->pair_count}}))
                .c_str());
  return {};
}

Launch launch_of(const Json& json, const char* kind) {
  Launch launch = {.index = json["index"].as_int(), .kind = kind, .facts = json["facts"]};
  for (const auto& [phase, samples] : json["samples_ns"].as_object()) {
    SampleSeries series = {.phase = phase};
    for (const Json& ns : samples.as_array()) series.duration_ns.push_back(ns.as_int());
    launch.samples.push_back(std::move(series));
  }
  return launch;
}

Result<Record> made_up_record(const Json& json, const std::string& run_id, int64_t position) {
  Record record = {.run_id = run_id,
                   .position = position,
                   .subject = {.model = json["model"].as_string(),
                               .scheme = json["scheme"].as_string(),
                               .framework = json["framework"].as_string(),
                               .device = "cpu",
                               .workload = {{"batch", 1}, {"thread_count", 2}},
                               .task = "image_classification"},
                   .reason = json["reason"].as_string(),
                   .recorded_at = "2026-11-25T00:00:00Z",
                   .manifest = json["manifest"]};
  QB_TRY(record.outcome, parse_outcome(json["outcome"].as_string()));
  for (const Json& launch : json["launches"].as_array())
    record.launches.push_back(launch_of(launch, "speed"));
  if (json.contains("quality"))
    record.launches.push_back(launch_of(Json::object({{"facts", json["quality"]}}), "quality"));
  record.measurements = metrics::measure(record);
  return record;
}

Result<void> store_made_up(const char* path) {
  QB_TRY(const Json json, parse_json(std::string(std::istreambuf_iterator<char>(std::cin), {})));
  QB_TRY(store::Store store, store::Store::open(path));
  const std::string id = json["id"].as_string();
  QB_CHECK(store.save_run({.id = id,
                           .started_at = json["started_at"].as_string(),
                           .suite_name = "made up",
                           .host = json["host"]}));
  int64_t position = 0;
  for (const Json& item : json["records"].as_array()) {
    QB_TRY(const Record record, made_up_record(item, id, position++));
    QB_CHECK(store.save_record(record));
  }
  return {};
}

Result<void> prepare_all(std::span<char*> a) {
  QB_TRY(const prepare::ModelSource source, prepare::open_model(a[2], a[4]));
  QB_TRY(const quant::Scheme scheme, quant::find_scheme(a[3]));
  QB_TRY(const auto jobs, prepare::bundle_jobs(source, scheme, a[4], a[5]));
  QB_TRY(const auto bundle, compress::build_model(jobs));
  QB_TRY(const prepare::Dataset dataset, prepare::prepare_dataset(source, a[4], a[5]));
  std::puts(dump_json(Json::object({{"bundle", bundle.string()},
                                    {"task", source.model.task},
                                    {"dataset", dataset.file.string()}}))
                .c_str());
  return {};
}

Result<void> print_bundle(std::span<char*> a) {
  QB_TRY(const prepare::ModelSource source, prepare::open_model(a[2], "."));
  QB_TRY(const quant::Scheme scheme, quant::find_scheme(a[3]));
  QB_TRY(const auto jobs, prepare::bundle_jobs(source, scheme, ".", a[4]));
  QB_TRY(const auto bundle, compress::build_model(jobs));
  std::puts(bundle.c_str());
  return {};
}

Result<void> run(std::span<char*> a) {
  const std::string_view verb = a.size() > 1 ? a[1] : "";
  if (verb == "tokenize" && a.size() == 3) return tokenize(a[2]);
  if (verb == "weights" && a.size() == 3) return print_weights(a[2]);
  if (verb == "weights" && a.size() == 4) return print_weights(a[2], a[3]);
  if (verb == "picture" && a.size() == 5)
    return print_picture(a[2], std::atoll(a[3]), std::string_view(a[4]) == "cut_out");
  if (verb == "pixels" && a.size() == 4) return print_pixels(a[2], a[3]);
  if ((verb == "encode" || verb == "decode") && a.size() == 3)
    return convert_blocks(a[2], verb == "encode");
  if (verb == "stats" && a.size() == 2) return print_stats();
  if (verb == "gate" && a.size() == 2) return print_gate();
  if (verb == "ratio" && a.size() == 2) return print_ratio();
  if (verb == "store" && a.size() == 3) return store_made_up(a[2]);
  if (verb == "prepare" && a.size() == 6) return prepare_all(a);
  if (verb == "bundle" && a.size() == 5) return print_bundle(a);
  return fail(Errc::bad_input, "see the head of probe.cpp");
}

}  // namespace

int main(int argument_count, char** arguments) {
  const Result<void> done = run({arguments, static_cast<size_t>(argument_count)});
  if (!done) std::fprintf(stderr, "probe: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
