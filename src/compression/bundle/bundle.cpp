// Reading a bundle: hostile input safe, since a bundle is a file like any other.
#include "compression/bundle/bundle.h"

#include <algorithm>
#include <cassert>

#include "base/checked.h"
#include "base/float16.h"
#include "base/hash.h"
#include "compression/bundle/layout.h"

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
  if (layout.has_minimums) {
    QB_TRY(const auto minimums,
           find_array(entry, "minimums", file, layout.minimum_count() * sizeof(float)));
    view.minimums = as_span<float>(minimums);
  } else if (!layout.symmetric) {
    QB_TRY(const auto zero_points,
           find_array(entry, "zero_points", file, layout.zero_point_bytes()));
    view.zero_points = as_span<uint8_t>(zero_points);
  }
  return view;
}

Result<quant::PackedLayout> read_layout(const Json& entry, const Extent& extent) {
  quant::PackedLayout layout = {.row_count = extent.row_count, .column_count = extent.column_count};
  QB_TRY(const int64_t bits, entry.get_int("bits"));
  QB_TRY(layout.group_size, entry.get_int("group_size"));
  layout.bits = static_cast<int32_t>(bits);
  layout.symmetric = entry["symmetric"].as_bool();
  layout.per_tensor = entry["per_tensor"].as_bool();
  layout.has_minimums = entry.contains("minimums");
  if (!quant::is_packable(bits) || layout.group_size < 1 ||
      layout.group_size > extent.column_count ||
      (layout.per_tensor && layout.group_size != extent.column_count) ||
      (layout.has_minimums &&
       (layout.symmetric || layout.per_tensor || extent.column_count % layout.group_size != 0)))
    return fail(Errc::bad_input, "{} bits in groups of {} is no layout of rows of {}", bits,
                layout.group_size, extent.column_count);
  return layout;
}

Result<ggml::BlockFormat> read_block_format(const Json& entry, const Extent& extent) {
  for (const ggml::BlockRow& row : ggml::block_formats()) {
    if (row.name != entry["block"].as_string()) continue;
    if (extent.column_count % row.length == 0) return row.format;
    return fail(Errc::bad_input, "rows of {} are no whole blocks of {}", extent.column_count,
                row.name);
  }
  return fail(Errc::bad_input, "unknown block format \"{}\"", entry["block"].as_string());
}

Result<quant::MicroscaledView> find_microscaled(const Json& entry, const Extent& extent,
                                                std::span<const std::byte> file) {
  const std::string& name = entry["format"].as_string();
  const auto row = std::ranges::find(quant::microscalings(), name, &quant::MicroscalingRow::name);
  if (row == quant::microscalings().end())
    return fail(Errc::bad_input, "unknown microscaling format \"{}\"", name);
  quant::MicroscaledView view = {.layout = {row->format, extent.row_count, extent.column_count}};
  QB_TRY(const auto codes, find_array(entry, "codes", file, view.layout.code_bytes()));
  QB_TRY(const auto scales, find_array(entry, "scales", file, view.layout.scale_bytes()));
  view.codes = as_span<uint8_t>(codes);
  view.scales = as_span<uint8_t>(scales);
  return view;
}

Result<quant::TabledView> find_tabled(const Json& entry, const Extent& extent,
                                      std::span<const std::byte> file) {
  QB_TRY(const int64_t bits, entry.get_int("bits"));
  QB_TRY(const int64_t rows_each, entry.get_int("rows_each"));
  if (!quant::is_table_bits(bits) || rows_each < 1 || extent.row_count % rows_each != 0)
    return fail(Errc::bad_input, "tables of {} bits for {} of {} rows are none", bits, rows_each,
                extent.row_count);
  quant::TabledView view = {
      .layout = {extent.row_count, extent.column_count, static_cast<int32_t>(bits), rows_each}};
  QB_TRY(const auto codes, find_array(entry, "codes", file, view.layout.code_bytes()));
  QB_TRY(const auto entries,
         find_array(entry, "entries", file, view.layout.entry_total() * sizeof(uint16_t)));
  view.codes = as_span<uint8_t>(codes);
  view.entries = as_span<uint16_t>(entries);
  return view;
}

Result<Encoding> read_encoding(const Json& entry) {
  for (const Encoding encoding : {Encoding::f32, Encoding::f16, Encoding::bf16, Encoding::packed,
                                  Encoding::block, Encoding::micro, Encoding::table})
    if (name_of(encoding) == entry["encoding"].as_string()) return encoding;
  return fail(Errc::bad_input, "unknown encoding \"{}\"", entry["encoding"].as_string());
}

// Bytes of a row that is not packed.
size_t row_bytes(const Parameter& parameter, const Extent& extent) {
  const auto column_count = static_cast<size_t>(extent.column_count);
  if (parameter.encoding == Encoding::f32) return column_count * 4;
  if (parameter.encoding != Encoding::block) return column_count * 2;
  const ggml::BlockRow& row = ggml::row_of(parameter.block);
  return column_count / static_cast<size_t>(row.length) * static_cast<size_t>(row.bytes);
}

Result<Parameter> find_parameter(const ir::Graph& graph, ir::Value value, const Json& entry,
                                 std::span<const std::byte> file) {
  Parameter parameter = {.name = graph[value].name, .shape = ir::bind(graph[value].shape, {})};
  QB_TRY(parameter.encoding, read_encoding(entry));
  if (parameter.encoding != Encoding::f32 && !is_quantizable(graph, value))
    return fail(Errc::bad_input, "stored as {}, its operators take f32",
                name_of(parameter.encoding));
  const Extent extent = extent_of(parameter.shape);
  if (parameter.encoding == Encoding::packed) {
    QB_TRY(const quant::PackedLayout layout, read_layout(entry, extent));
    QB_TRY(parameter.packed, find_packed(entry, layout, file));
    return parameter;
  }
  if (parameter.encoding == Encoding::micro) {
    QB_TRY(parameter.micro, find_microscaled(entry, extent, file));
    return parameter;
  }
  if (parameter.encoding == Encoding::table) {
    QB_TRY(parameter.table, find_tabled(entry, extent, file));
    return parameter;
  }
  if (parameter.encoding == Encoding::block) {
    QB_TRY(parameter.block, read_block_format(entry, extent));
  }
  QB_TRY(parameter.bytes,
         find_array(entry, "values", file,
                    static_cast<size_t>(extent.row_count) * row_bytes(parameter, extent)));
  return parameter;
}

bool is_read_by_conv2d(const ir::Graph& graph, std::string_view name) {
  return std::ranges::any_of(graph.nodes, [&](const ir::Node& node) {
    return node.op == ir::Op::conv2d && graph[node.inputs[0]].name == name;
  });
}

Result<std::map<int32_t, Activation>> read_activations(const ir::Graph& graph, const Json& list) {
  std::map<int32_t, Activation> activations;
  for (const Json& entry : list.as_array()) {
    const auto value =
        std::ranges::find(graph.values, entry["value"].as_string(), &ir::ValueInfo::name);
    Activation activation = {.mode = quant::Activations::on_run};
    if (entry["mode"].as_string() == "static") {
      QB_TRY(const double scale, entry.get_double("scale"));
      QB_TRY(const int64_t zero_point, entry.get_int("zero_point"));
      activation = {quant::Activations::measured,
                    {static_cast<float>(scale), static_cast<int32_t>(zero_point)}};
      if (!(activation.fit.scale > 0.0f) || !(scale < quant::largest_weight) || zero_point < 0 ||
          zero_point > 255)
        return fail(Errc::bad_input, "activation {} has scale {} and zero point {}",
                    entry["value"].as_string(), scale, zero_point);
    } else if (entry["mode"].as_string() == "token") {
      activation.mode = quant::Activations::by_token;
      if (is_read_by_conv2d(graph, entry["value"].as_string()))
        return fail(Errc::bad_input,
                    "activation {} is rounded by token, but a convolution reads it",
                    entry["value"].as_string());
    } else if (entry["mode"].as_string() != "dynamic") {
      return fail(Errc::bad_input, "activation {} has mode \"{}\"", entry["value"].as_string(),
                  entry["mode"].as_string());
    }
    if (value == graph.values.end() || value->type != ElementType::f32 ||
        (value->kind != ir::ValueKind::input && value->kind != ir::ValueKind::node))
      return fail(Errc::bad_input, "activation \"{}\" is no value of the network",
                  entry["value"].as_string());
    activations[static_cast<int32_t>(value - graph.values.begin())] = activation;
  }
  return activations;
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
    case Encoding::block:
      return "block";
    case Encoding::micro:
      return "micro";
    case Encoding::table:
      return "table";
  }
  return "f32";
}

size_t Parameter::stored_bytes() const {
  return bytes.size() + packed.codes.size() + packed.scales.size_bytes() +
         packed.zero_points.size() + packed.minimums.size_bytes() + micro.codes.size() +
         micro.scales.size() + table.codes.size() + table.entries.size_bytes();
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
    case Encoding::block:
      ggml::decode(parameter.block, parameter.bytes, out);
      return;
    case Encoding::micro:
      quant::decode_microscaled(parameter.micro, out);
      return;
    case Encoding::table:
      quant::decode_tabled(parameter.table, out);
      return;
  }
}

const Parameter& Bundle::parameter(ir::Value value) const {
  const auto found = parameters_.find(value.index);
  assert(found != parameters_.end());
  return found->second;
}

bool Bundle::rounds_activations() const {
  return std::ranges::any_of(activations_, [](const auto& activation) {
    return activation.second.mode != quant::Activations::none;
  });
}

Activation Bundle::activation(ir::Value value) const {
  const auto found = activations_.find(value.index);
  return found == activations_.end() ? Activation{} : found->second;
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
    QB_TRY(Parameter parameter,
           with_context(find_parameter(bundle.graph_, value, bundle.manifest_["parameters"][name],
                                       bundle.weights_.bytes()),
                        fmt::format("{}: parameter {}", where, name)));
    bundle.parameters_.emplace(value.index, std::move(parameter));
  }
  QB_TRY(bundle.activations_,
         with_context(read_activations(bundle.graph_, bundle.manifest_["activations"]), where));
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
