#include "orchestration/campaign/describe.h"

#include <optional>

#include "base/file.h"
#include "compression/bundle/model.h"
#include "compression/quant/scheme.h"
#include "measurement/probes/host.h"

namespace qb::campaign {
namespace fs = std::filesystem;
namespace {

void describe_compression(const fs::path& folder, Record& record) {
  if (const auto scheme = quant::find_scheme(record.subject.scheme))
    record.manifest.set("quantizes", quant::describe_roles(scheme->roles()));
  const Result<std::string> text = read_file(folder / "bundle.json");
  const Result<Json> manifest = text ? parse_json(*text) : Json();
  if (!manifest) return;
  for (const char* note : {"calibration", "chosen"})
    if (const Json& value = (*manifest)["notes"][note]; !value.is_null())
      record.manifest.set(note, value);
}

// Of all networks, each with the weights it maps. Empty: a list that leads nowhere.
std::optional<int64_t> stored_bytes_of(const fs::path& folder) {
  const auto networks = bundle::find_networks(folder);
  if (!networks) return std::nullopt;
  int64_t bytes = 0;
  for (const bundle::NetworkFolder& network : *networks) {
    std::error_code error;
    bytes += static_cast<int64_t>(fs::file_size(network.folder / "weights.bin", error));
    if (error) return std::nullopt;
  }
  return bytes;
}

}  // namespace

void describe_bundle(const BundleMaterial& material, Record& record) {
  const std::optional<int64_t> stored_bytes = stored_bytes_of(material.folder);
  describe_compression(material.folder, record);
  const int64_t cache_bytes = probes::last_level_cache_bytes();
  if (cache_bytes > 0 && stored_bytes)
    record.manifest.set("fits_cache", *stored_bytes <= cache_bytes);
  const Json& source = material.source;
  record.manifest.set("bundle_hash", material.folder.filename().string())
      .set("source_hash", source["hash"])
      .set("weights", source["weights"])
      .set("weight_count", source["weight_count"]);
  if (!source["format"].as_string().empty())
    record.manifest.set("checkpoint_format", source["format"]);
  if (stored_bytes)
    record.manifest.set("bits_per_weight", static_cast<double>(*stored_bytes) * 8.0 /
                                               source["weight_count"].as_double());
}

void describe_quality(const Result<QualityMaterial>& material, int64_t item_count_max,
                      Record& record) {
  if (!material) {
    record.manifest.set("quality_problem", material.error().message);
    return;
  }
  const Json& dataset = material->dataset;
  record.manifest.set("dataset", Json::object({{"name", dataset["name"]},
                                               {"hash", dataset["content_hash"]},
                                               {"item_count", dataset["item_count"]}}));
  if (material->baseline_scheme != "fp32")
    record.manifest.set("baseline_scheme", material->baseline_scheme);
  if (item_count_max > 0) record.manifest.set("quality_item_count_max", item_count_max);
  if (!material->baseline_problem.empty())
    record.manifest.set("quality_problem", material->baseline_problem);
}

}  // namespace qb::campaign
