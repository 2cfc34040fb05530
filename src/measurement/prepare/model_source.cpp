#include "measurement/prepare/model_source.h"

#include <fmt/ranges.h>

#include <memory>
#include <set>

#include "base/hash.h"
#include "base/parallel.h"
#include "measurement/prepare/dataset.h"
#include "measurement/prepare/gguf_llama.h"
#include "measurement/prepare/gguf_tokenizer.h"
#include "network/weights/synthetic.h"
#include "network/weights/weight_file.h"

namespace qb::prepare {
namespace {

constexpr uint64_t synthetic_seed = 20261123;

bundle::ParameterSource synthetic_source() {
  return [](const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    weights::fill_synthetic(info.name, synthetic_seed, ir::bind(info.shape, {}), out);
    return {};
  };
}

// Parameters by their own names, as in safetensors and PyTorch checkpoints.
bundle::ParameterSource named_source(std::shared_ptr<const weights::WeightFile> file) {
  return [file = std::move(file)](const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    const weights::StoredTensor* tensor = file->find(info.name);
    if (!tensor) return fail(Errc::bad_input, "the weights have no tensor {}", info.name);
    if (tensor->shape != ir::bind(info.shape, {}))
      return fail(Errc::bad_input, "tensor {} is [{}], the model wants {}", info.name,
                  fmt::join(tensor->shape, ", "), ir::to_string(info.shape));
    return weights::decode_f32(*tensor, out, available_threads());
  };
}

// A tensor that the model has no place for would change it; batch norms' counters of training steps
// are none of these.
Result<void> check_named_tensors(const weights::WeightFile& file, const ModelSource& source) {
  std::set<std::string_view> names;
  for (const auto& [network, graph] : source.networks)
    for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter))
      names.insert(graph[value].name);
  for (const weights::StoredTensor& tensor : file.tensors)
    if (!names.contains(tensor.name) && !tensor.name.ends_with(".num_batches_tracked"))
      return fail(Errc::unsupported, "tensor {} has no place in {}, and would change it",
                  tensor.name, source.model.name);
  return {};
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

// The same source, its errors naming the file, whose pages it gives back after each tensor: a file
// larger than memory can be read.
bundle::ParameterSource in_file(const std::filesystem::path& path,
                                const std::shared_ptr<const weights::WeightFile>& file,
                                bundle::ParameterSource source) {
  return [path, file, source = std::move(source)](const ir::ValueInfo& info, std::span<float> out) {
    Result<void> done = with_context(source(info, out), path.string());
    for (const MappedFile& mapping : file->mappings) mapping.drop_resident_pages();
    return done;
  };
}

// GGUF has one network of a kind, whose tensors have names of their own.
Result<void> use_gguf(const std::shared_ptr<const weights::WeightFile>& file,
                      const std::filesystem::path& path, ModelSource& source) {
  if (source.networks.size() > 1)
    return fail(Errc::unsupported, "{}: a GGUF file is one network, {} has {}", path.string(),
                source.model.name, source.networks.size());
  QB_CHECK(with_context(check_llama(*file, source.networks.front().graph), path.string()));
  QB_TRY(source.tokenizer, with_context(tokenizer_of(*file), path.string()));
  source.parameters = in_file(path, file, gguf_llama_source(file));
  return {};
}

}  // namespace

Result<ModelSource> open_model(std::string_view name, const std::filesystem::path& data_folder) {
  QB_TRY(const models::Model model, models::find_model(name));
  return open_model(model, data_folder);
}

Result<ModelSource> open_model(const models::Model& model,
                               const std::filesystem::path& data_folder) {
  ModelSource source = {.model = model};
  QB_TRY(source.networks, models::build_networks(model));
  if (model.weights_file.empty()) {
    source.parameters = synthetic_source();
    source.weights = "synthetic";
    source.source_hash = fmt::format("seed {}", synthetic_seed);
    return source;
  }
  const std::filesystem::path path = data_folder / model.weights_file;
  if (!std::filesystem::exists(path))
    return fail(Errc::unavailable,
                "the weights of {} are not here ({} is missing); ./qb setup brings them",
                model.name, path.string());
  QB_TRY(weights::WeightFile file, weights::load_weights(path));
  QB_TRY(source.source_hash, hash_of_files(file.paths));
  const auto shared = std::make_shared<const weights::WeightFile>(std::move(file));
  source.weights = "pretrained";
  if (shared->format_name == "gguf") {
    QB_CHECK(use_gguf(shared, path, source));
  } else {
    QB_CHECK(with_context(check_named_tensors(*shared, source), path.string()));
    source.parameters = in_file(path, shared, named_source(shared));
  }
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
  for (const auto& [name, graph] : source.networks)
    jobs.push_back({name,
                    {.model = {graph, source.parameters},
                     .scheme = scheme,
                     .weights = source.weights,
                     .source_hash = source.source_hash,
                     .calibration = calibration,
                     .root = cache_folder / "bundles",
                     .thread_count = available_threads()}});
  return jobs;
}

}  // namespace qb::prepare
