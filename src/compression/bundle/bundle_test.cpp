#include "compression/bundle/bundle.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "base/rng.h"
#include "compression/bundle/encode.h"
#include "compression/bundle/outline.h"
#include "compression/quant/quantize.h"
#include "network/ir/builder.h"

using namespace qb;
using namespace qb::bundle;
namespace fs = std::filesystem;

namespace {

ir::Graph small_graph() {
  ir::Builder b("small");
  const ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, 40});
  b.output(b.rms_norm(b.linear(x, b.parameter("w", {6, 40})), "norm.weight", 1e-5));
  return b.finish().value();
}

Result<void> seeded(const ir::ValueInfo& info, std::span<float> out) {
  Rng rng(derive_seed(1, info.name));
  for (float& value : out) value = static_cast<float>(rng.normal());
  return {};
}

Result<fs::path> build(const fs::path& root, std::string_view scheme,
                       const ParameterSource& source = seeded) {
  return build_plain_bundle(root, small_graph(), quant::find_scheme(scheme).value(),
                            {.scheme = std::string(scheme), .source_hash = "seed 1"}, source, 2);
}

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_bundle_{}", ::getpid());
  ~TemporaryFolder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("every scheme's bundle gives back what quantizing in memory gives") {
  const TemporaryFolder root;
  const ir::Graph graph = small_graph();
  for (const quant::Scheme& scheme : quant::base_schemes()) {
    CAPTURE(scheme.name);
    const auto folder = build(root.path, scheme.name);
    REQUIRE(folder);
    const auto bundle = load_bundle(*folder);
    REQUIRE(bundle);
    CHECK(verify_content(*folder));
    size_t stored_bytes = 0;
    for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter))
      stored_bytes += bundle->parameter(value).stored_bytes();
    if (scheme.weight_type != quant::WeightType::mixed)  // which bits it chooses no shape tells
      CHECK(stored_bytes_of(outline_of(graph), scheme) == static_cast<int64_t>(stored_bytes));
    for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter)) {
      const auto count = static_cast<size_t>(ir::element_count(graph[value].shape));
      std::vector<float> source(count);
      std::vector<float> decoded(count);
      REQUIRE(seeded(graph[value], source));
      decode_f32(bundle->parameter(value), decoded);
      std::vector<float> expected = source;
      const bool packed = bundle->parameter(value).encoding == Encoding::packed;
      CHECK(packed ==
            (graph[value].name == "w" && scheme.weight_type == quant::WeightType::integer));
      if (packed)
        quant::dequantize_rows(quant::quantize(source, quant::layout_for(scheme, 6, 40)).view(), 0,
                               expected);
      if (bundle->parameter(value).encoding == Encoding::micro)
        quant::decode_microscaled(quant::encode_microscaled({scheme.micro, 6, 40}, source).view(),
                                  expected);
      if (bundle->parameter(value).encoding == Encoding::table)
        quant::decode_tabled(
            quant::make_tables(quant::table_layout(6, 40, scheme.weight_bits, scheme.group_size),
                               source)
                .view(),
            expected);
      // Rows of 40 are no whole blocks: block formats store them in fp16.
      const bool is_half =
          scheme.weight_bits == 16 || scheme.weight_type == quant::WeightType::block;
      const double tolerance = is_half ? 0x1p-8 : 0.0;
      for (size_t i = 0; i < count; ++i)
        CHECK(std::fabs(decoded[i] - expected[i]) <= tolerance * std::fabs(expected[i]));
    }
  }
}

TEST_CASE("a bundle held in memory has the weights of the one on disk, in every scheme") {
  const TemporaryFolder root;
  const ir::Graph graph = small_graph();
  for (const quant::Scheme& scheme : quant::base_schemes()) {
    CAPTURE(scheme.name);
    const auto written = load_bundle(build(root.path, scheme.name).value());
    REQUIRE(written);
    Encoder encoder(1);
    std::vector<float> values;
    const auto held = hold_bundle(
        scheme, {.graph = graph, .store = [&](ir::Value value) {
                   values.resize(static_cast<size_t>(ir::element_count(graph[value].shape)));
                   REQUIRE(seeded(graph[value], values));
                   return encoder.encode(graph, value, scheme, values);
                 }});
    REQUIRE(held);
    for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter)) {
      std::vector<float> expected(static_cast<size_t>(ir::element_count(graph[value].shape)));
      std::vector<float> decoded(expected.size());
      decode_f32(written->parameter(value), expected);
      decode_f32(held->parameter(value), decoded);
      CHECK(decoded == expected);
    }
  }
}

TEST_CASE("what other code built isn't found: it is built anew") {
  const TemporaryFolder root;
  const ir::Graph graph = small_graph();
  const Recipe recipe = {.scheme = "w8c", .source_hash = "seed 1"};
  REQUIRE(build(root.path, "w8c"));
  CHECK(find_bundle(root.path, graph, recipe));
  Recipe of_other_code = recipe;
  of_other_code.code = "0123";
  CHECK_FALSE(find_bundle(root.path, graph, of_other_code));
  CHECK(code_of_bundles().size() == 64);
  CHECK(code_of_bundles() != code_of_datasets());
  CHECK(code_of_bundles() != code_of_baselines());
  CHECK(recipe_key("tux-224px", "1") != recipe_key("tux-224px", "2"));
}

TEST_CASE("a recipe is built once, and the same input gives the same hash") {
  const TemporaryFolder root;
  int calls = 0;
  const ParameterSource counting = [&](const ir::ValueInfo& info, std::span<float> out) {
    ++calls;
    return seeded(info, out);
  };
  const auto first = build(root.path, "w4g32", counting);
  const auto second = build(root.path, "w4g32", counting);
  CHECK(first.value() == second.value());
  CHECK(calls == 2);  // two parameters, once
  fs::remove_all(root.path);
  CHECK(build(root.path, "w4g32", seeded).value() == first.value());
}

TEST_CASE("a spoilt bundle is noticed and built anew") {
  const TemporaryFolder root;
  const fs::path folder = build(root.path, "w8c", seeded).value();
  {
    std::fstream file(folder / "weights.bin", std::ios::in | std::ios::out | std::ios::binary);
    file.put('\x7f');
  }
  CHECK_FALSE(verify_content(folder));
  CHECK(build(root.path, "w8c", seeded).value() == folder);
  CHECK(verify_content(folder));
}

TEST_CASE("hostile bundles are refused with the field's name") {
  const TemporaryFolder root;
  const fs::path folder = build(root.path, "w8c", seeded).value();
  const std::string text = read_file(folder / "bundle.json").value();
  struct Row {
    std::string from, to, reason;
  };
  const Row rows[] = {
      {"\"codes\":0", "\"codes\":99999936", "outside the file"},
      {"\"codes\":0", "\"codes\":-64", "no multiple"},
      {"\"codes\":0", "\"codes\":9223372036854775744", "outside the file"},
      {"\"codes\":0", "\"codes\":1", "no multiple"},
      {"\"scheme\":\"w8c\"", "\"scheme\":\"w3\"", "unknown scheme"},
      {"\"bits\":8", "\"bits\":7", "no layout"},
      {"\"group_size\":40", "\"group_size\":0", "no layout"},
      {"\"group_size\":40", "\"group_size\":41", "no layout"},
      {"\"encoding\":\"packed\"", "\"encoding\":\"block\"", "unknown block format"},
      {"\"encoding\":\"packed\"", "\"encoding\":\"micro\"", "unknown microscaling format"},
      {"\"encoding\":\"packed\"", "\"encoding\":\"table\"", "rows_each"},
      {"\"encoding\":\"packed\"", "\"rows_each\":4,\"encoding\":\"table\"", "for 4 of 6 rows"},
      {"\"encoding\":\"f32\"", "\"encoding\":\"f16\"", "take f32"},
      {"\"activations\":[]", R"("activations":[{"value":"w","mode":"dynamic"}])", "no value"},
      {"\"activations\":[]",
       R"("activations":[{"value":"x","mode":"static","scale":0,)"
       R"("zero_point":0}])",
       "scale 0"},
      {"\"activations\":[]", R"("activations":[{"value":"x","mode":"tokens"}])", "mode"},
      {"\"format\":3", "\"format\":2", "format 2"},
      {"\"shape\":[6,40]", "\"shape\":[6,-40]", "has shape"},
      {"\"op\":\"linear\"", "\"op\":\"exec\"", "unknown operator"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.to);
    std::string spoilt = text;
    REQUIRE(spoilt.find(row.from) != std::string::npos);
    spoilt.replace(spoilt.find(row.from), row.from.size(), row.to);
    REQUIRE(write_file_atomically(folder / "bundle.json", spoilt));
    const auto bundle = load_bundle(folder);
    REQUIRE_FALSE(bundle);
    CAPTURE(bundle.error().message);
    CHECK(bundle.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("weights that aren't finite are refused by every scheme, with their name, nothing left") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const quant::Scheme& scheme : quant::base_schemes()) {
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity}) {
      CAPTURE(scheme.name);
      CAPTURE(value);
      const TemporaryFolder root;
      const auto bad = [value](const ir::ValueInfo&, std::span<float> out) -> Result<void> {
        std::ranges::fill(out, 1.0f);
        out[3] = value;
        return {};
      };
      const auto folder = build(root.path, scheme.name, bad);
      REQUIRE_FALSE(folder);
      CHECK(folder.error().message.find("w: weight 3 is ") != std::string::npos);
      CHECK(std::distance(fs::directory_iterator(root.path), {}) == 1);  // recipes/
    }
  }
}

TEST_CASE("a weight beyond half precision is refused or stays finite, whatever the scheme") {
  for (const quant::Scheme& scheme : quant::base_schemes()) {
    CAPTURE(scheme.name);
    const TemporaryFolder root;
    const auto large = [](const ir::ValueInfo&, std::span<float> out) -> Result<void> {
      std::ranges::fill(out, 1.0f);
      out[3] = 1e6f;
      return {};
    };
    const auto folder = build(root.path, scheme.name, large);
    if (!folder) {
      CHECK(folder.error().message.find("is beyond ") != std::string::npos);
      continue;
    }
    const auto bundle = load_bundle(*folder);
    REQUIRE(bundle);
    std::vector<float> values(240);
    decode_f32(bundle->parameter(bundle->graph().of_kind(ir::ValueKind::parameter)[0]), values);
    CHECK(std::ranges::all_of(values, [](float value) { return std::isfinite(value); }));
  }
}
