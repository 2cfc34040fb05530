#include "measurement/prepare/model_source.h"

#include <memory>

#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/stand_in.h"
#include "measurement/prepare/checkpoint.h"
#include "measurement/prepare/dataset.h"
#include "measurement/prepare/gguf_config.h"
#include "measurement/prepare/gguf_tokenizer.h"
#include "measurement/prepare/placement.h"
#include "measurement/prepare/sentence_files.h"
#include "network/models/architectures.h"
#include "network/text/tokenizer.h"
#include "network/weights/quantized.h"
#include "network/weights/synthetic.h"
#include "network/weights/weight_file.h"

namespace qb::prepare {
namespace {

constexpr uint64_t synthetic_seed = 20261123;

bundle::ParameterSource synthetic_source() {
  return [](const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    weights::fill_synthetic(info.name, synthetic_seed, ir::bind(info.shape, {}), out,
                            available_threads());
    return {};
  };
}

// Of all files that were read: shards and parts too.
Result<std::string> hash_of_files(const std::vector<std::filesystem::path>& paths) {
  if (paths.size() == 1) return hash_of_file(paths.front());
  std::string hashes;
  for (const std::filesystem::path& path : paths) {
    QB_TRY(const std::string hash, hash_of_file(path));
    hashes += hash + "\n";
  }
  return hash_of(hashes);
}

void use_tokenizer(Result<text::Definition> tokenizer, ModelSource& source) {
  if (tokenizer)
    source.tokenizer = *std::move(tokenizer);
  else
    source.tokenizer_problem = tokenizer.error().message;
}

// How pictures are prepared, where a file beside the config says it.
Result<void> add_preprocessor(CheckpointFiles& files, Json& config) {
  const std::filesystem::path file = files.config.parent_path() / "preprocessor_config.json";
  std::error_code ignored;
  if (!config.is_object() || !std::filesystem::exists(file, ignored)) return {};
  QB_TRY(const std::string text, read_file(file));
  QB_TRY(Json fields, with_context(parse_json(text), file.filename().string()));
  config.set("preprocessor", std::move(fields));
  files.beside.push_back(file);
  return {};
}

// Notes the files that it reads.
Result<Json> read_config(const weights::WeightFile& file, CheckpointFiles& files) {
  if (file.format_name == "gguf") return config_of_gguf(file);
  QB_TRY(const std::string text, read_file(files.config));
  QB_CHECK(with_context(check_no_stand_in(std::as_bytes(std::span(text))), "config.json"));
  QB_TRY(Json config, with_context(parse_json(text), "config.json"));
  QB_TRY(SentenceFiles sentence, read_sentence_files(files.config.parent_path()));
  files.beside = std::move(sentence.paths);
  if (config.is_object() && !sentence.fields.is_null())
    config.set("sentence_transformers", std::move(sentence.fields));
  QB_CHECK(add_preprocessor(files, config));
  return config;
}

// A checkpoint says what it is: that must be what the row of the zoo says, names aside.
Result<void> check_network(const Json& config, const ModelSource& source) {
  if (source.networks.size() > 1)
    return fail(Errc::unsupported, "a checkpoint is one network, {} has {}", source.model.name,
                source.networks.size());
  QB_TRY(const models::Model model, models::read_model(config));
  QB_TRY(ir::Graph graph, model.build());
  graph.name = source.networks.front().graph.name;
  if (ir::print(graph) == ir::print(source.networks.front().graph)) return {};
  return fail(Errc::bad_input, "is another network than {}: {}", source.model.name,
              dump_json(config));
}

// What the files hold, for networks that are known.
Result<void> use_weights(const CheckpointFiles& files,
                         std::shared_ptr<const weights::WeightFile> file, ModelSource& source) {
  QB_TRY(Placement placement, place_parameters(*file, source.networks, source.model));
  source.weights = "pretrained";
  std::vector<std::filesystem::path> paths = file->paths;
  paths.insert(paths.end(), files.beside.begin(), files.beside.end());
  if (!files.config.empty()) {
    paths.push_back(files.config);
    const auto of_tokenizer = text::find_tokenizer(files.config.parent_path());
    if (of_tokenizer) paths.insert(paths.end(), of_tokenizer->begin(), of_tokenizer->end());
  }
  QB_TRY(source.source_hash, hash_of_files(paths));
  if (file->format_name == "gguf")
    use_tokenizer(tokenizer_of(*file), source);
  else if (!files.config.empty())
    use_tokenizer(text::load_definition(files.config.parent_path()), source);
  else
    source.tokenizer_problem = "there is no tokenizer beside its weights";
  source.format = stored_format(placement);
  source.read_in_8_bits = read_in_8_bits(placement);
  source.input_orders = input_orders(placement);
  source.given = given_source(file, placement);
  source.parameters = placed_source(std::move(file), std::move(placement));
  return {};
}

Result<ModelSource> open_checkpoint(const std::filesystem::path& path) {
  QB_TRY(CheckpointFiles files, find_checkpoint(path));
  QB_TRY(weights::WeightFile file, weights::load_weights(files.weights));
  ModelSource source;
  const auto opened = [&]() -> Result<void> {
    QB_TRY(const Json config, read_config(file, files));
    if (weights::is_quantized(config)) QB_CHECK(weights::join_quantized(config, file));
    const auto shared = std::make_shared<const weights::WeightFile>(std::move(file));
    QB_TRY(source.model, models::read_model(config));
    source.model.name = models::model_name_of(path);
    QB_TRY(source.networks, models::build_networks(source.model));
    return use_weights(files, shared, source);
  };
  QB_CHECK(with_context(opened(), path.string()));
  return source;
}

// Of a row of the zoo: a file of weights, or a folder that tells its network.
Result<void> open_known(const std::filesystem::path& path, ModelSource& source) {
  CheckpointFiles files = {.weights = path};
  if (std::filesystem::is_directory(path)) {
    QB_TRY(files, find_checkpoint(path));
  }
  QB_TRY(weights::WeightFile file, weights::load_weights(files.weights));
  const auto shared = std::make_shared<const weights::WeightFile>(std::move(file));
  if (shared->format_name == "gguf" || !files.config.empty()) {
    QB_TRY(const Json config, read_config(*shared, files));
    QB_CHECK(check_network(config, source));
  }
  return use_weights(files, shared, source);
}

Result<void> put_on(const std::filesystem::path& folder, ModelSource& source) {
  QB_TRY(weights::Adapter adapter, weights::load_adapter(folder));
  QB_TRY(const std::string hash, hash_of_files(adapter.paths));
  source.source_hash = hash_of(source.source_hash + "\n" + hash);
  QB_TRY(source.adapter,
         with_context(place_adapter(std::move(adapter), source.model, source.networks),
                      folder.string()));
  source.model.name += "+" + models::model_name_of(folder);
  return {};
}

Result<compress::Network> with_adapter_for(const ModelSource& source, const ir::Graph& graph,
                                           const quant::Scheme& scheme) {
  const bool has_branches = scheme.has(quant::option_lora);
  if (!source.adapter) {
    if (!has_branches) return compress::Network{graph, source.parameters};
    return fail(Errc::unsupported, "{}: {} has no adapter; --adapter gives one", scheme.name,
                source.model.name);
  }
  if (!has_branches && scheme.weight_type == quant::WeightType::given)
    return fail(Errc::unsupported,
                "{0}: the checkpoint's bits are the base's alone; {0}+lora has the adapter beside "
                "them",
                scheme.name);
  if (!has_branches)
    return compress::Network{graph, fused_source(*source.adapter, source.parameters)};
  QB_TRY(ir::Graph branched, with_branches(graph, *source.adapter));
  return compress::Network{std::move(branched),
                           branched_source(*source.adapter, source.parameters)};
}

// A network as the scheme has it, and where its parameters come from.
Result<compress::Network> network_for(const ModelSource& source, const ir::Graph& graph,
                                      const quant::Scheme& scheme) {
  QB_TRY(compress::Network network, with_adapter_for(source, graph, scheme));
  if (scheme.weight_type != quant::WeightType::given) return network;
  return with_ordered_inputs(network, source.input_orders);
}

}  // namespace

Result<ModelSource> open_model(std::string_view given, const std::filesystem::path& data_folder) {
  const auto [model, adapter] = models::split_adapter(given);
  if (!adapter.empty()) {
    QB_TRY(ModelSource source, open_model(model, data_folder));
    QB_CHECK(put_on(adapter, source));
    return source;
  }
  if (std::filesystem::path(model).is_absolute()) return open_checkpoint(model);
  QB_TRY(const models::Model row, models::find_model(model));
  return open_model(row, data_folder);
}

Result<ModelSource> open_model(const models::Model& model,
                               const std::filesystem::path& data_folder) {
  ModelSource source = {.model = model};
  QB_TRY(source.networks, models::build_networks(model));
  if (models::is_synthetic(model)) {
    source.parameters = synthetic_source();
    source.weights = "synthetic";
    source.source_hash = fmt::format("seed {}", synthetic_seed);
    source.tokenizer_problem = "its weights are synthetic";
    return source;
  }
  if (model.weights_file.empty())
    return fail(
        Errc::unavailable,
        "the weights of {0} are not here; `qbench fetch {1}` brings them, {0}@synthetic has "
        "made up ones",
        model.name, model.repository);
  const std::filesystem::path path = data_folder / model.weights_file;
  if (!std::filesystem::exists(path))
    return fail(Errc::unavailable,
                "the weights of {} are not here ({} is missing); ./qb setup brings them",
                model.name, path.string());
  QB_CHECK(with_context(open_known(path, source), path.string()));
  return source;
}

Result<std::vector<compress::NetworkJob>> bundle_jobs(const ModelSource& source,
                                                      const quant::Scheme& scheme,
                                                      const std::filesystem::path& data_folder,
                                                      const std::filesystem::path& cache_folder) {
  std::optional<compress::CalibrationSet> calibration;
  if (scheme.needs_calibration() && source.networks.size() == 1) {
    QB_TRY(calibration, with_context(prepare_calibration(source, data_folder, cache_folder),
                                     fmt::format("{} in {}", source.model.name, scheme.name)));
  }
  std::vector<compress::NetworkJob> jobs;
  for (const auto& [name, graph] : source.networks) {
    QB_TRY(compress::Network network, network_for(source, graph, scheme));
    jobs.push_back({name,
                    {.model = std::move(network),
                     .scheme = scheme,
                     .given = source.given,
                     .read_in_8_bits = source.read_in_8_bits,
                     .weights = source.weights,
                     .source_hash = source.source_hash,
                     .calibration = calibration,
                     .root = cache_folder / "bundles",
                     .thread_count = available_threads()}});
  }
  return jobs;
}

}  // namespace qb::prepare
