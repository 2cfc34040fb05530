#include "measurement/prepare/placement.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/parallel.h"
#include "measurement/prepare/gguf_names.h"
#include "network/weights/quantized.h"

namespace qb::prepare {
namespace {

using weights::StoredTensor;

bool is_gguf(const weights::WeightFile& file) { return file.format_name == "gguf"; }

// GGUF's Llamas have the rows of q and k so that rotary pairs are neighbours.
Result<int64_t> paired_head_count(const weights::WeightFile& file, std::string_view parameter) {
  if (file.metadata["general.architecture"].as_string() != "llama") return 0;
  if (parameter.find(".q_proj.") != std::string_view::npos)
    return file.metadata.get_int("llama.attention.head_count");
  if (parameter.find(".k_proj.") == std::string_view::npos) return 0;
  if (file.metadata.contains("llama.attention.head_count_kv"))
    return file.metadata.get_int("llama.attention.head_count_kv");
  return file.metadata.get_int("llama.attention.head_count");
}

// [1, 1, 768] is [768] where that is wanted, and one number [1].
std::vector<int64_t> fitted(std::vector<int64_t> shape, size_t rank) {
  while (shape.size() > rank && shape.front() == 1) shape.erase(shape.begin());
  if (shape.empty() && rank == 1) shape = {1};
  return shape;
}

Result<Place> find_place(const weights::WeightFile& file, const models::Model& model,
                         const std::string& parameter, size_t rank) {
  const auto found = model.origins.find(parameter);
  const models::Origin origin =
      found == model.origins.end() ? models::Origin{.tensor = parameter} : found->second;
  Place place = {
      .first_row = origin.first_row, .offset = origin.offset, .is_logarithm = origin.is_logarithm};
  std::string name = origin.tensor;
  if (is_gguf(file)) {
    QB_TRY(name, gguf_name(file.metadata["general.architecture"].as_string(), origin.tensor));
    QB_TRY(place.paired_head_count, paired_head_count(file, parameter));
    place.offset = 0.0;  // GGUF has norms as they are used
  }
  place.tensor = file.find(name);
  if (!place.tensor) return fail(Errc::bad_input, "the weights have no tensor {}", name);
  place.shape = fitted(place.tensor->shape, rank);
  return place;
}

// All of a tensor's rows, or those from first_row on.
Result<void> check_shape(const Place& place, const ir::Shape& wanted, bool is_part) {
  const std::vector<int64_t> shape = ir::bind(wanted, {});
  std::vector<int64_t> found = place.shape;
  if (is_part && !found.empty() && found[0] >= place.first_row + shape[0]) found[0] = shape[0];
  if (found == shape) return {};
  return fail(Errc::bad_input, "tensor {} is [{}], the model wants {}", place.tensor->name,
              fmt::join(place.tensor->shape, ", "), ir::to_string(wanted));
}

// What is no parameter: counters of training steps, tables that follow from the configuration,
// rotary factors (gguf_config.h reads them), and a tied head that is stored once more.
bool says_nothing(const weights::WeightFile& file, const models::Model& model,
                  const StoredTensor& tensor) {
  const bool is_head = tensor.name == "lm_head.weight" || tensor.name == "output.weight";
  const bool is_of_rope = is_gguf(file) && (tensor.name == "rope_freqs.weight" ||
                                            tensor.name.starts_with("rope_factors_"));
  const bool is_elsewhere = std::ranges::any_of(
      model.other_networks,
      [&](const std::string& prefix) { return tensor.name.starts_with(prefix); });
  return is_of_rope || is_elsewhere || tensor.name.ends_with(".num_batches_tracked") ||
         tensor.name.ends_with(".rotary_emb.inv_freq") ||
         (is_head && (is_copy(&tensor, file.find("token_embd.weight")) ||
                      is_copy(&tensor, file.find("model.embed_tokens.weight"))));
}

// Of each tensor that holds parameters: how many rows it has, and how many of them are some.
struct RowCount {
  int64_t all = 0;
  int64_t used = 0;
};
using RowCounts = std::map<const StoredTensor*, RowCount>;

Result<void> check_tensors(const weights::WeightFile& file, const RowCounts& used,
                           const models::Model& model, std::string_view network) {
  for (const StoredTensor& tensor : file.tensors) {
    const auto found = used.find(&tensor);
    if (found == used.end() && says_nothing(file, model, tensor)) continue;
    if (found == used.end())
      return fail(Errc::unsupported, "tensor {} has no place in {}, and would change it",
                  tensor.name, network);
    const auto [all, used_count] = found->second;
    if (used_count != all)
      return fail(Errc::unsupported, "tensor {} has {} rows, of which {} have a place in {}",
                  tensor.name, all, used_count, network);
  }
  return {};
}

void restore_halves(std::span<float> weight, size_t head_count, size_t column_count) {
  const std::vector<float> from(weight.begin(), weight.end());
  const size_t head_dim = weight.size() / column_count / head_count;
  for (size_t head = 0; head < head_count; ++head)
    for (size_t half = 0; half < 2; ++half)
      for (size_t i = 0; i < head_dim / 2; ++i) {
        const size_t source = head * head_dim + 2 * i + half;
        const size_t target = head * head_dim + half * head_dim / 2 + i;
        std::copy_n(from.begin() + static_cast<long>(source * column_count), column_count,
                    weight.begin() + static_cast<long>(target * column_count));
      }
}

Result<void> fill(const Place& place, std::span<float> out, int64_t row_count) {
  StoredTensor rows = *place.tensor;
  rows.shape = place.shape;
  if (rows.coding)
    return weights::decode_coded(*rows.coding, place.first_row, out, available_threads());
  if (!rows.shape.empty() && rows.shape[0] != row_count) {
    const size_t row_bytes = rows.bytes.size() / static_cast<size_t>(rows.shape[0]);
    rows.bytes = rows.bytes.subspan(static_cast<size_t>(place.first_row) * row_bytes,
                                    static_cast<size_t>(row_count) * row_bytes);
    rows.shape[0] = row_count;
  }
  QB_CHECK(weights::decode_f32(rows, out, available_threads()));
  if (place.paired_head_count > 0)
    restore_halves(out, static_cast<size_t>(place.paired_head_count),
                   out.size() / static_cast<size_t>(row_count));
  if (place.offset != 0.0)
    for (float& value : out) value += static_cast<float>(place.offset);
  if (place.is_logarithm)
    for (float& value : out) value = std::exp(value);
  return {};
}

}  // namespace

bool is_copy(const StoredTensor* tensor, const StoredTensor* of) {
  return tensor && of && tensor->format == of->format && tensor->shape == of->shape &&
         !tensor->bytes.empty() && std::ranges::equal(tensor->bytes, of->bytes);
}

Result<Placement> place_parameters(const weights::WeightFile& file,
                                   const std::vector<models::NamedGraph>& networks,
                                   const models::Model& model) {
  Placement placement;
  RowCounts used;
  std::string_view network;
  for (const auto& [name, graph] : networks) {
    network = graph.name;
    for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter)) {
      const ir::ValueInfo& info = graph[value];
      if (placement.contains(info.name)) continue;
      QB_TRY(const Place place, find_place(file, model, info.name, info.shape.size()));
      const auto origin = model.origins.find(info.name);
      const bool has_origin = origin != model.origins.end();
      QB_CHECK(check_shape(place, info.shape, has_origin));
      RowCount& rows = used[place.tensor];
      rows.all = place.shape.empty() ? 0 : place.shape[0];
      const bool uses_all = info.shape.empty() || (has_origin && origin->second.is_part);
      rows.used += uses_all ? rows.all : info.shape[0].extent;
      placement.emplace(info.name, place);
    }
  }
  QB_CHECK(check_tensors(file, used, model,
                         model.name.empty() ? network : std::string_view(model.name)));
  return placement;
}

bundle::ParameterSource placed_source(std::shared_ptr<const weights::WeightFile> file,
                                      Placement placement) {
  return [file = std::move(file), placement = std::move(placement)](
             const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    const auto place = placement.find(info.name);
    if (place == placement.end())
      return fail(Errc::bad_input, "the weights have no tensor {}", info.name);
    const Result<void> filled =
        fill(place->second, out, info.shape.empty() ? 0 : info.shape[0].extent);
    // A file larger than memory can be read.
    for (const MappedFile& mapping : file->mappings) mapping.drop_resident_pages();
    return with_context(filled, file->paths.front().string());
  };
}

}  // namespace qb::prepare
