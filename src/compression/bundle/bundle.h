// The bundle: a graph and its parameters as one scheme stores them, on disk, addressed by content.
// Built once, mapped by every worker, so that all frameworks provably see the same bits.
//
//   <root>/<content hash>/bundle.json   graph, scheme, source, and where each parameter's bytes lie
//   <root>/<content hash>/weights.bin   the bytes, each array aligned to 64
//   <root>/recipes/<recipe hash>        the content hash that a recipe gave, to find it again
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "compression/bundle/code_hash.h"
#include "compression/quant/activation.h"
#include "compression/quant/microscaling.h"
#include "compression/quant/packed.h"
#include "compression/quant/scheme.h"
#include "compression/quant/table.h"
#include "network/ggml/block_formats.h"
#include "network/ir/graph.h"

namespace qb::bundle {

enum class Encoding : uint8_t { f32, f16, bf16, packed, block, micro, table };
std::string_view name_of(Encoding encoding);

struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  Encoding encoding = Encoding::f32;
  std::span<const std::byte> bytes;                   // the values or blocks; else empty
  quant::PackedView packed;                           // when encoding is packed
  ggml::BlockFormat block = ggml::BlockFormat::q8_0;  // when encoding is block
  quant::MicroscaledView micro;                       // when encoding is micro
  quant::TabledView table;                            // when encoding is table

  size_t stored_bytes() const;
  std::span<const float> f32() const {
    return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
  }
};

// The parameter's values as f32, whatever the encoding; out has element_count values.
void decode_f32(const Parameter& parameter, std::span<float> out);

// How a value that flows through the network is rounded to 8 bits.
//   measured  wherever it is computed, for all that read it: it is stored in 8 bits
//   on_run    where a linear or conv2d reads it, by the range it has at that run
//   by_token  where a linear reads it, each row of its last axis by its own scale; no conv2d reads
//   it
struct Activation {
  quant::Activations mode = quant::Activations::none;
  quant::ActivationFit fit;  // measured
};

struct Contents;

class Bundle {
 public:
  const ir::Graph& graph() const { return graph_; }
  const quant::Scheme& scheme() const { return scheme_; }
  const Parameter& parameter(ir::Value value) const;  // a value of kind parameter
  Activation activation(ir::Value value) const;       // of kind input or node
  bool rounds_activations() const;
  const Json& manifest() const { return manifest_; }
  const std::string& content_hash() const { return content_hash_; }
  size_t stored_bytes() const { return weights_.bytes().size(); }
  // "pretrained" or "synthetic".
  std::string_view weights_origin() const { return manifest_["weights"].as_string(); }
  // After a framework has copied what it needs: gives the mapped pages back to the system.
  void drop_resident_pages() const { weights_.drop_resident_pages(); }

  friend Result<Bundle> load_bundle(const std::filesystem::path& folder);
  friend Result<Bundle> hold_bundle(const quant::Scheme& scheme, const Contents& contents);

 private:
  ir::Graph graph_;
  quant::Scheme scheme_;
  Json manifest_;
  std::string content_hash_;
  MappedFile weights_;
  std::vector<std::vector<std::byte>> memory_;  // of one that lies on no disk
  std::map<int32_t, Parameter> parameters_;
  std::map<int32_t, Activation> activations_;
};

// Maps the bundle and checks its structure (every array inside the file, sizes as shapes demand).
Result<Bundle> load_bundle(const std::filesystem::path& folder);

// Reads everything and compares with the content hash in the folder's name.
Result<void> verify_content(const std::filesystem::path& folder);

// What a bundle is made from: two of the same recipe are the same bundle.
struct Recipe {
  std::string scheme;
  std::string weights = "synthetic";  // or "pretrained"
  std::string source_hash;            // content hash of the weight file, or a seed's name
  std::string calibration_hash = "";  // of the data that the scheme was fitted on
  std::string code = std::string(code_of_bundles());
};
std::string recipe_hash(const ir::Graph& model, const Recipe& recipe);

// One parameter as it is to be stored; the memory is valid until the next one is asked for.
struct Stored {
  Encoding encoding = Encoding::f32;
  std::span<const std::byte> bytes;
  quant::PackedView packed;
  ggml::BlockFormat block = ggml::BlockFormat::q8_0;
  quant::MicroscaledView micro;
  quant::TabledView table;
};

struct Contents {
  ir::Graph graph;
  std::vector<std::pair<ir::Value, Activation>> activations = {};
  Json notes = Json::object({});  // for readers of the manifest: calibration, chosen bits, …
  // Called once for each parameter of the graph, in order.
  std::function<Result<Stored>(ir::Value)> store;
};

// The folder of the bundle that the recipe gave for the model's graph before, when it is still
// there and whole.
std::optional<std::filesystem::path> find_bundle(const std::filesystem::path& root,
                                                 const ir::Graph& model, const Recipe& recipe);

// Writes one parameter at a time into a temporary folder, which is renamed into place, and notes
// the recipe. Errors: disk full, or what `store` reports.
Result<std::filesystem::path> write_bundle(const std::filesystem::path& root,
                                           const ir::Graph& model, const Recipe& recipe,
                                           const Contents& contents);

// The same in memory: no files, so no manifest and no hash. Errors: what `store` reports.
Result<Bundle> hold_bundle(const quant::Scheme& scheme, const Contents& contents);

// Gives the values of one parameter, f32 row-major; called once a parameter, in graph order.
using ParameterSource = std::function<Result<void>(const ir::ValueInfo&, std::span<float> out)>;

// The bundle of a scheme that neither changes the graph nor rounds activations: found, or written
// straight from the source, one parameter in memory at a time.
Result<std::filesystem::path> build_plain_bundle(const std::filesystem::path& root,
                                                 const ir::Graph& graph,
                                                 const quant::Scheme& scheme, const Recipe& recipe,
                                                 const ParameterSource& source,
                                                 int64_t thread_count = 1);

}  // namespace qb::bundle
