// Writing a bundle: one parameter at a time, into a temporary folder that is renamed into place.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>

#include "base/float16.h"
#include "base/hash.h"
#include "bundle/layout.h"

namespace qb::bundle {
namespace fs = std::filesystem;
namespace {

// Appends aligned arrays to weights.bin and hashes what it writes.
class Writer {
 public:
  explicit Writer(const fs::path& path) : path_(path), out_(path, std::ios::binary) {}

  // The offset at which the bytes lie.
  Result<int64_t> append(std::span<const std::byte> bytes) {
    static constexpr std::byte zeros[array_alignment] = {};
    const int64_t padding = (array_alignment - offset_ % array_alignment) % array_alignment;
    QB_CHECK(write({zeros, static_cast<size_t>(padding)}));
    const int64_t start = offset_;
    QB_CHECK(write(bytes));
    return start;
  }

  Result<std::string> finish() {
    out_.close();
    if (!out_) return refuse();
    QB_CHECK(sync_path(path_));
    return hasher_.hex();
  }

 private:
  tl::unexpected<Error> refuse() const {
    return fail(Errc::io, "{}: cannot write: {}", path_.string(), system_message());
  }
  Result<void> write(std::span<const std::byte> bytes) {
    out_.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!out_) return refuse();
    hasher_.update(bytes);
    offset_ += static_cast<int64_t>(bytes.size());
    return {};
  }

  fs::path path_;
  std::ofstream out_;
  Hasher hasher_;
  int64_t offset_ = 0;
};

Result<Json> append_packed(Writer& writer, const quant::Packed& packed) {
  Json entry = Json::object({{"encoding", name_of(Encoding::packed)}});
  QB_TRY(const int64_t codes, writer.append(std::as_bytes(std::span(packed.codes))));
  QB_TRY(const int64_t scales, writer.append(std::as_bytes(std::span(packed.scales))));
  entry.set("codes", codes).set("scales", scales);
  if (!packed.layout.symmetric) {
    QB_TRY(const int64_t zero_points, writer.append(std::as_bytes(std::span(packed.zero_points))));
    entry.set("zero_points", zero_points);
  }
  return entry;
}

Result<Json> append_parameter(Writer& writer, Encoding encoding, const quant::Scheme& scheme,
                              const Extent& extent, std::span<const float> values) {
  const auto too_large = std::ranges::find_if_not(
      values, [](float value) { return std::abs(value) <= quant::largest_weight; });
  if (too_large != values.end())
    return fail(Errc::bad_input, "weight {} is {}: too large to store", too_large - values.begin(),
                *too_large);
  if (encoding == Encoding::packed)
    return append_packed(
        writer, quant::quantize(values, layout_for(scheme, extent.row_count, extent.column_count)));
  std::vector<uint16_t> halves;
  std::span<const std::byte> bytes = std::as_bytes(values);
  if (encoding != Encoding::f32) {
    halves.reserve(values.size());
    const bool is_f16 = encoding == Encoding::f16;
    for (const float value : values) {
      if (is_f16 && std::abs(value) > 65504.0f)
        return fail(Errc::bad_input, "weight {} is beyond fp16's 65504", value);
      halves.push_back(is_f16 ? float_to_fp16(value) : float_to_bf16(value));
    }
    bytes = std::as_bytes(std::span(halves));
  }
  QB_TRY(const int64_t offset, writer.append(bytes));
  return Json::object({{"encoding", name_of(encoding)}, {"values", offset}});
}

Result<void> write_bundle(const fs::path& folder, const ir::Graph& graph, const Recipe& recipe,
                          const ParameterSource& source) {
  Writer writer(folder / "weights.bin");
  Json parameters = Json::object({});
  std::vector<float> values;
  for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter)) {
    const ir::ValueInfo& info = graph[value];
    const Extent extent = extent_of(ir::bind(info.shape, {}));
    values.resize(static_cast<size_t>(extent.row_count * extent.column_count));
    QB_CHECK(source(info, values));
    QB_TRY(Json entry,
           with_context(append_parameter(writer, encoding_of(graph, value, recipe.scheme),
                                         recipe.scheme, extent, values),
                        info.name));
    parameters.set(info.name, std::move(entry));
  }
  QB_TRY(const std::string weights_hash, writer.finish());
  const Json manifest = Json::object({{"format", format_version},
                                      {"scheme", recipe.scheme.name},
                                      {"weights", recipe.weights},
                                      {"source_hash", recipe.source_hash},
                                      {"weights_hash", weights_hash},
                                      {"graph", ir::to_json(graph)},
                                      {"parameters", std::move(parameters)}});
  return write_file_atomically(folder / "bundle.json", dump_json(manifest));
}

std::string recipe_hash(const ir::Graph& graph, const Recipe& recipe) {
  return hash_of(fmt::format("{}\n{}\n{}\n{}\n{}", format_version, recipe.scheme.name,
                             recipe.weights, recipe.source_hash, dump_json(ir::to_json(graph))));
}

// The bundle a recipe gave before, when it is still there and whole.
std::optional<fs::path> find_built(const fs::path& root, const fs::path& recipe_file) {
  const Result<std::string> content_hash = read_file(recipe_file);
  if (!content_hash || content_hash->size() != 32) return std::nullopt;
  const fs::path folder = root / *content_hash;
  if (verify_content(folder)) return folder;
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return std::nullopt;
}

}  // namespace

Result<fs::path> build_bundle(const fs::path& root, const ir::Graph& graph, const Recipe& recipe,
                              const ParameterSource& source) {
  const fs::path recipe_file = root / "recipes" / recipe_hash(graph, recipe);
  if (const auto folder = find_built(root, recipe_file)) return *folder;
  std::error_code error;
  const fs::path temporary = root / fmt::format("building-{}", ::getpid());
  fs::remove_all(temporary, error);
  fs::create_directories(root / "recipes", error);
  fs::create_directories(temporary, error);
  if (error) return fail(Errc::io, "{}: cannot create: {}", temporary.string(), error.message());
  if (Result<void> written = write_bundle(temporary, graph, recipe, source); !written) {
    fs::remove_all(temporary, error);
    return tl::unexpected(std::move(written).error());
  }
  QB_TRY(const std::string content_hash, hash_of_file(temporary / "bundle.json"));
  const fs::path folder = root / content_hash;
  fs::remove_all(folder, error);
  fs::rename(temporary, folder, error);
  if (error) return fail(Errc::io, "{}: cannot rename: {}", folder.string(), error.message());
  QB_CHECK(sync_path(root));
  QB_CHECK(write_file_atomically(recipe_file, content_hash));
  return folder;
}

}  // namespace qb::bundle
