// Reading a bundle: hostile input safe, since a bundle is a file like any other.
#include "bundle/bundle.h"

#include <algorithm>
#include <cassert>

#include "base/checked.h"
#include "base/float16.h"
#include "base/hash.h"
#include "bundle/layout.h"

namespace qb::bundle {
namespace {

// The bytes of array `key` of a parameter, of exactly `size_bytes`.
Result<std::span<const std::byte>> find_array(const Json& entry, std::string_view key,
                                              std::span<const std::byte> file, size_t size_bytes) {
  QB_TRY(const int64_t offset, entry.get_int(key));
  if (offset < 0 || offset % array_alignment != 0)
    return fail(Errc::bad_input, "{} lies at {}, no multiple of {}", key, offset, array_alignment);
  const auto end = checked_add(static_cast<uint64_t>(offset), size_bytes);
  if (!end || *end > file.size())
    return fail(Errc::bad_input, "{} ({} bytes at {}) is outside the file of {} bytes", key,
                size_bytes, offset, file.size());
  return file.subspan(static_cast<size_t>(offset), size_bytes);
}

template <typename T>
std::span<const T> as_span(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

Result<quant::PackedView> find_packed(const Json& entry, const quant::PackedLayout& layout,
                                      std::span<const std::byte> file) {
  quant::PackedView view = {.layout = layout};
  QB_TRY(const auto codes, find_array(entry, "codes", file, layout.code_bytes()));
  QB_TRY(const auto scales,
         find_array(entry, "scales", file, layout.scale_count() * sizeof(float)));
  view.codes = as_span<uint8_t>(codes);
  view.scales = as_span<float>(scales);
  if (!layout.symmetric) {
    QB_TRY(const auto zero_points,
           find_array(entry, "zero_points", file, layout.zero_point_bytes()));
    view.zero_points = as_span<uint8_t>(zero_points);
  }
  return view;
}

Result<Parameter> find_parameter(const ir::Graph& graph, ir::Value value,
                                 const quant::Scheme& scheme, const Json& entry,
                                 std::span<const std::byte> file) {
  Parameter parameter = {.name = graph[value].name, .shape = ir::bind(graph[value].shape, {})};
  parameter.encoding = encoding_of(graph, value, scheme);
  if (entry["encoding"].as_string() != name_of(parameter.encoding))
    return fail(Errc::bad_input, "stored as {}, scheme {} wants {}", entry["encoding"].as_string(),
                scheme.name, name_of(parameter.encoding));
  const Extent extent = extent_of(parameter.shape);
  if (parameter.encoding == Encoding::packed) {
    QB_TRY(parameter.packed,
           find_packed(entry, layout_for(scheme, extent.row_count, extent.column_count), file));
    return parameter;
  }
  const size_t element_bytes = parameter.encoding == Encoding::f32 ? 4 : 2;
  QB_TRY(parameter.bytes,
         find_array(entry, "values", file,
                    static_cast<size_t>(extent.row_count * extent.column_count) * element_bytes));
  return parameter;
}

// Parameter sizes of a graph that came from a file must not overflow.
Result<void> check_extents(const ir::Graph& graph) {
  for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter)) {
    uint64_t count = 4;
    for (const ir::Dim& dim : graph[value].shape) {
      const auto product = checked_multiply(count, static_cast<uint64_t>(dim.extent));
      if (!product || *product > (uint64_t{1} << 46))
        return fail(Errc::bad_input, "parameter {} is impossibly large", graph[value].name);
      count = *product;
    }
  }
  return {};
}

}  // namespace

std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::f32:
      return "f32";
    case Encoding::f16:
      return "f16";
    case Encoding::bf16:
      return "bf16";
    case Encoding::packed:
      return "packed";
  }
  return "f32";
}

size_t Parameter::stored_bytes() const {
  return bytes.size() + packed.codes.size() + packed.scales.size_bytes() +
         packed.zero_points.size();
}

void decode_f32(const Parameter& parameter, std::span<float> out) {
  switch (parameter.encoding) {
    case Encoding::f32:
      std::ranges::copy(parameter.f32(), out.begin());
      return;
    case Encoding::f16: {
      const auto bits = as_span<uint16_t>(parameter.bytes);
      for (size_t i = 0; i < out.size(); ++i) out[i] = fp16_to_float(bits[i]);
      return;
    }
    case Encoding::bf16: {
      const auto bits = as_span<uint16_t>(parameter.bytes);
      for (size_t i = 0; i < out.size(); ++i) out[i] = bf16_to_float(bits[i]);
      return;
    }
    case Encoding::packed:
      quant::dequantize_rows(parameter.packed, 0, out);
      return;
  }
}

const Parameter& Bundle::parameter(ir::Value value) const {
  const auto found = parameters_.find(value.index);
  assert(found != parameters_.end());
  return found->second;
}

Result<Bundle> load_bundle(const std::filesystem::path& folder) {
  const std::string where = folder.string();
  Bundle bundle;
  QB_TRY(const std::string text, read_file(folder / "bundle.json"));
  QB_TRY(bundle.manifest_, with_context(parse_json(text), where + "/bundle.json"));
  if (bundle.manifest_["format"].as_int() != format_version)
    return fail(Errc::bad_input, "{}: bundle format {} is not {}; delete it to build it anew",
                where, bundle.manifest_["format"].as_int(), format_version);
  QB_TRY(bundle.graph_, with_context(ir::graph_from_json(bundle.manifest_["graph"]), where));
  QB_CHECK(with_context(check_extents(bundle.graph_), where));
  QB_TRY(bundle.scheme_,
         with_context(quant::find_scheme(bundle.manifest_["scheme"].as_string()), where));
  QB_TRY(bundle.weights_, MappedFile::open(folder / "weights.bin"));
  bundle.content_hash_ = folder.filename().string();
  for (const ir::Value value : bundle.graph_.of_kind(ir::ValueKind::parameter)) {
    const std::string& name = bundle.graph_[value].name;
    QB_TRY(Parameter parameter, with_context(find_parameter(bundle.graph_, value, bundle.scheme_,
                                                            bundle.manifest_["parameters"][name],
                                                            bundle.weights_.bytes()),
                                             fmt::format("{}: parameter {}", where, name)));
    bundle.parameters_.emplace(value.index, std::move(parameter));
  }
  return bundle;
}

Result<void> verify_content(const std::filesystem::path& folder) {
  QB_TRY(const std::string text, read_file(folder / "bundle.json"));
  QB_TRY(const Json manifest, with_context(parse_json(text), folder.string()));
  QB_TRY(const std::string weights_hash, hash_of_file(folder / "weights.bin"));
  if (hash_of(text) != folder.filename().string() ||
      weights_hash != manifest["weights_hash"].as_string())
    return fail(Errc::bad_input, "{}: content does not match its hash; delete the folder",
                folder.string());
  return {};
}

}  // namespace qb::bundle
