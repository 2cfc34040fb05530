// Writing a bundle: one parameter at a time, into a temporary folder that is renamed into place.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <future>

#include "base/hash.h"
#include "compression/bundle/encode.h"
#include "compression/bundle/layout.h"

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
    if (syncing_.valid()) syncing_.wait();
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
    start_syncing();
    return {};
  }
  // The disk works on what is written while the next parameter is computed. Only finish()'s own
  // sync counts.
  void start_syncing() {
    constexpr int64_t interval_bytes = 32 << 20;
    const bool is_busy =
        syncing_.valid() && syncing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
    if (is_busy || offset_ - synced_ < interval_bytes) return;
    out_.flush();
    synced_ = offset_;
    syncing_ = std::async(std::launch::async, [path = path_] { (void)sync_path(path); });
  }

  fs::path path_;
  std::ofstream out_;
  Hasher hasher_;
  int64_t offset_ = 0;
  int64_t synced_ = 0;
  std::future<void> syncing_;
};

Result<Json> append_packed(Writer& writer, const quant::PackedView& packed) {
  const quant::PackedLayout& layout = packed.layout;
  Json entry = Json::object({{"encoding", name_of(Encoding::packed)},
                             {"bits", layout.bits},
                             {"group_size", layout.group_size},
                             {"symmetric", layout.symmetric},
                             {"per_tensor", layout.per_tensor}});
  QB_TRY(const int64_t codes, writer.append(std::as_bytes(packed.codes)));
  QB_TRY(const int64_t scales, writer.append(std::as_bytes(packed.scales)));
  entry.set("codes", codes).set("scales", scales);
  if (layout.has_minimums) {
    QB_TRY(const int64_t minimums, writer.append(std::as_bytes(packed.minimums)));
    entry.set("minimums", minimums);
  } else if (!layout.symmetric) {
    QB_TRY(const int64_t zero_points, writer.append(std::as_bytes(packed.zero_points)));
    entry.set("zero_points", zero_points);
  }
  return entry;
}

Result<Json> append_microscaled(Writer& writer, const quant::MicroscaledView& weight) {
  QB_TRY(const int64_t codes, writer.append(std::as_bytes(weight.codes)));
  QB_TRY(const int64_t scales, writer.append(std::as_bytes(weight.scales)));
  return Json::object({{"encoding", name_of(Encoding::micro)},
                       {"format", quant::row_of(weight.layout.format).name},
                       {"codes", codes},
                       {"scales", scales}});
}

Result<Json> append_tabled(Writer& writer, const quant::TabledView& weight) {
  QB_TRY(const int64_t codes, writer.append(std::as_bytes(weight.codes)));
  QB_TRY(const int64_t entries, writer.append(std::as_bytes(weight.entries)));
  return Json::object({{"encoding", name_of(Encoding::table)},
                       {"bits", weight.layout.bits},
                       {"rows_each", weight.layout.rows_each},
                       {"codes", codes},
                       {"entries", entries}});
}

Result<Json> append_parameter(Writer& writer, const Stored& stored) {
  if (stored.encoding == Encoding::packed) return append_packed(writer, stored.packed);
  if (stored.encoding == Encoding::micro) return append_microscaled(writer, stored.micro);
  if (stored.encoding == Encoding::table) return append_tabled(writer, stored.table);
  QB_TRY(const int64_t offset, writer.append(stored.bytes));
  Json entry = Json::object({{"encoding", name_of(stored.encoding)}, {"values", offset}});
  if (stored.encoding == Encoding::block) entry.set("block", ggml::row_of(stored.block).name);
  return entry;
}

std::string_view name_of_mode(quant::Activations mode) {
  if (mode == quant::Activations::measured) return "static";
  return mode == quant::Activations::by_token ? "token" : "dynamic";
}

Json activations_json(const Contents& contents) {
  Json::Array list;
  for (const auto& [value, activation] : contents.activations) {
    const bool is_measured = activation.mode == quant::Activations::measured;
    Json entry = Json::object(
        {{"value", contents.graph[value].name}, {"mode", name_of_mode(activation.mode)}});
    if (is_measured)
      entry.set("scale", static_cast<double>(activation.fit.scale))
          .set("zero_point", activation.fit.zero_point);
    list.push_back(std::move(entry));
  }
  return list;
}

Result<void> write_files(const fs::path& folder, const Recipe& recipe, const Contents& contents) {
  Writer writer(folder / "weights.bin");
  Json parameters = Json::object({});
  for (const ir::Value value : contents.graph.of_kind(ir::ValueKind::parameter)) {
    const std::string& name = contents.graph[value].name;
    QB_TRY(const Stored stored, with_context(contents.store(value), name));
    QB_TRY(Json entry, with_context(append_parameter(writer, stored), name));
    parameters.set(name, std::move(entry));
  }
  QB_TRY(const std::string weights_hash, writer.finish());
  const Json manifest = Json::object({{"format", format_version},
                                      {"scheme", recipe.scheme},
                                      {"weights", recipe.weights},
                                      {"source_hash", recipe.source_hash},
                                      {"weights_hash", weights_hash},
                                      {"notes", contents.notes},
                                      {"graph", ir::to_json(contents.graph)},
                                      {"parameters", std::move(parameters)},
                                      {"activations", activations_json(contents)}});
  return write_file_atomically(folder / "bundle.json", dump_json(manifest));
}

fs::path recipe_file(const fs::path& root, const ir::Graph& model, const Recipe& recipe) {
  return root / "recipes" / recipe_hash(model, recipe);
}

}  // namespace

std::string recipe_hash(const ir::Graph& model, const Recipe& recipe) {
  return recipe_key(
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", format_version, recipe.scheme, recipe.weights,
                  recipe.source_hash, recipe.calibration_hash, dump_json(ir::to_json(model))),
      recipe.code);
}

std::optional<fs::path> find_bundle(const fs::path& root, const ir::Graph& model,
                                    const Recipe& recipe) {
  const Result<std::string> content_hash = read_file(recipe_file(root, model, recipe));
  if (!content_hash || content_hash->size() != 32) return std::nullopt;
  const fs::path folder = root / *content_hash;
  if (verify_content(folder)) return folder;
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return std::nullopt;
}

Result<fs::path> write_bundle(const fs::path& root, const ir::Graph& model, const Recipe& recipe,
                              const Contents& contents) {
  std::error_code error;
  const fs::path temporary = root / fmt::format("building-{}", ::getpid());
  fs::remove_all(temporary, error);
  fs::create_directories(root / "recipes", error);
  fs::create_directories(temporary, error);
  if (error) return fail(Errc::io, "{}: cannot create: {}", temporary.string(), error.message());
  if (Result<void> written = write_files(temporary, recipe, contents); !written) {
    fs::remove_all(temporary, error);
    return tl::unexpected(std::move(written).error());
  }
  QB_TRY(const std::string content_hash, hash_of_file(temporary / "bundle.json"));
  const fs::path folder = root / content_hash;
  fs::remove_all(folder, error);
  QB_CHECK(put_into_place(temporary, folder));
  QB_CHECK(write_file_atomically(recipe_file(root, model, recipe), content_hash));
  return folder;
}

Result<fs::path> build_plain_bundle(const fs::path& root, const ir::Graph& graph,
                                    const quant::Scheme& scheme, const Recipe& recipe,
                                    const ParameterSource& source, int64_t thread_count) {
  if (const auto found = find_bundle(root, graph, recipe)) return *found;
  Encoder encoder(thread_count);
  std::vector<float> values;
  const auto store = [&](ir::Value parameter) -> Result<Stored> {
    const ir::ValueInfo& info = graph[parameter];
    values.resize(element_count(ir::bind(info.shape, {})));
    QB_CHECK(source(info, values));
    return encoder.encode(graph, parameter, scheme, values);
  };
  return write_bundle(root, graph, recipe, {.graph = graph, .store = store});
}

}  // namespace qb::bundle
