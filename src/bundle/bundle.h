// The bundle: a graph and its parameters as one scheme stores them, on disk, addressed by content.
// Built once, mapped by every worker, so that all frameworks provably see the same bits.
//
//   <root>/<content hash>/bundle.json   graph, scheme, source, and where each parameter's bytes lie
//   <root>/<content hash>/weights.bin   the bytes, each array aligned to 64
//   <root>/recipes/<recipe hash>        the content hash that a recipe gave, to find it unbuilt
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "ir/graph.h"
#include "quant/packed.h"
#include "quant/scheme.h"

namespace qb::bundle {

enum class Encoding : uint8_t { f32, f16, bf16, packed };
std::string_view name_of(Encoding encoding);

struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  Encoding encoding = Encoding::f32;
  std::span<const std::byte> bytes;  // f32, f16, bf16: the values; empty when packed
  quant::PackedView packed;          // when encoding is packed

  size_t stored_bytes() const;
  std::span<const float> f32() const {
    return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
  }
};

// The parameter's values as f32, whatever the encoding; out has element_count values.
void decode_f32(const Parameter& parameter, std::span<float> out);

class Bundle {
 public:
  const ir::Graph& graph() const { return graph_; }
  const quant::Scheme& scheme() const { return scheme_; }
  const Parameter& parameter(ir::Value value) const;  // a value of kind parameter
  const Json& manifest() const { return manifest_; }
  const std::string& content_hash() const { return content_hash_; }
  size_t stored_bytes() const { return weights_.bytes().size(); }
  // "pretrained" or "synthetic".
  std::string_view weights_origin() const { return manifest_["weights"].as_string(); }
  // After a framework has copied what it needs: gives the mapped pages back to the system.
  void drop_resident_pages() const { weights_.drop_resident_pages(); }

  friend Result<Bundle> load_bundle(const std::filesystem::path& folder);

 private:
  ir::Graph graph_;
  quant::Scheme scheme_;
  Json manifest_;
  std::string content_hash_;
  MappedFile weights_;
  std::map<int32_t, Parameter> parameters_;
};

// Maps the bundle and checks its structure (every array inside the file, sizes as shapes demand).
Result<Bundle> load_bundle(const std::filesystem::path& folder);

// Reads everything and compares with the content hash in the folder's name.
Result<void> verify_content(const std::filesystem::path& folder);

// Gives the values of one parameter, f32 row-major; called once a parameter, in graph order.
using ParameterSource = std::function<Result<void>(const ir::ValueInfo&, std::span<float> out)>;

struct Recipe {
  quant::Scheme scheme;
  std::string source_hash;            // content hash of the weight file, or a seed's name
  std::string weights = "synthetic";  // or "pretrained"
};

// The folder of the bundle: found and verified when the recipe was built before, else built into a
// temporary folder and renamed into place. Errors: disk full, values that aren't finite.
Result<std::filesystem::path> build_bundle(const std::filesystem::path& root,
                                           const ir::Graph& graph, const Recipe& recipe,
                                           const ParameterSource& source);

}  // namespace qb::bundle
