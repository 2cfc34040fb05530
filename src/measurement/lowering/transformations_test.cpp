#include "measurement/lowering/transformations.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>

#include "base/rng.h"
#include "compression/bundle/encode.h"
#include "measurement/lowering/rotary.h"
#include "network/ir/builder.h"

using namespace qb;
using namespace qb::lowering;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_lowering_{}", ::getpid());
  ~TemporaryFolder() { fs::remove_all(path); }
};

Result<void> seeded(const ir::ValueInfo& info, std::span<float> out) {
  Rng rng(derive_seed(1, info.name));
  for (float& value : out) value = static_cast<float>(rng.normal());
  if (info.name.ends_with("running_var"))
    for (float& value : out) value = std::fabs(value) + 0.5f;
  return {};
}

bundle::Bundle bundle_of(const fs::path& root, const ir::Graph& graph, std::string_view scheme) {
  const auto folder =
      bundle::build_plain_bundle(root, graph, quant::find_scheme(scheme).value(),
                                 {.scheme = std::string(scheme), .source_hash = "seed 1"}, seeded);
  REQUIRE(folder);
  auto bundle = bundle::load_bundle(*folder);
  REQUIRE(bundle);
  return *std::move(bundle);
}

// Two layers: three linears that read one value, one of them with a bias.
ir::Graph text_graph() {
  ir::Builder b("text");
  ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, 64});
  for (const char* layer : {"layers.0.", "layers.1."}) {
    const auto linear = [&](ir::Value in, const char* name, int64_t rows) {
      return b.linear(in, b.parameter(fmt::format("{}{}.weight", layer, name), {rows, 64}));
    };
    const ir::Value q = linear(x, "q", 64);
    const ir::Value biased = b.linear(x, b.parameter(fmt::format("{}biased", layer), {64, 64}),
                                      b.parameter(fmt::format("{}bias", layer), {64}));
    const ir::Value k = linear(x, "k", 64);
    x = b.add(b.add(q, k), linear(biased, "o", 64));
  }
  b.output(x);
  return b.finish().value();
}

// A convolution with its norm; one whose result two read; one whose result is an output.
ir::Graph picture_graph() {
  ir::Builder b("pictures");
  ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, 3, 4, 4});
  const auto conv = [&](ir::Value in, const char* name) {
    return b.conv2d(in, b.parameter(name, {3, 3, 1, 1}), {},
                    b.parameter(name + std::string(".b"), {3}));
  };
  x = b.batch_norm(conv(x, "a"), "a.norm", 1e-3);
  const ir::Value shared = conv(x, "b");
  x = b.add(b.batch_norm(shared, "b.norm", 1e-3), shared);
  const ir::Value shown = conv(x, "c");
  b.output(shown);
  b.output(b.batch_norm(shown, "c.norm", 1e-3));
  return b.finish().value();
}

}  // namespace

TEST_CASE("linears without bias that read one value are one product, in every encoding") {
  const TemporaryFolder root;
  const ir::Graph graph = text_graph();
  for (const quant::Scheme& scheme : quant::base_schemes()) {
    if (scheme.activations == quant::Activations::measured) continue;  // want calibration
    CAPTURE(scheme.name);
    const bundle::Bundle bundle = bundle_of(root.path, graph, scheme.name);
    const Transformations found = find_transformations(bundle);
    REQUIRE(found.joins.size() == 2);
    for (const Join& join : found.joins) {
      REQUIRE(join.size() == 2);
      CHECK(bundle.graph()[join[0]->inputs[1]].name.ends_with("q.weight"));
      CHECK(bundle.graph()[join[1]->inputs[1]].name.ends_with("k.weight"));
      CHECK(found.joined_with(*join[1]) == join);
    }
    for (const ir::Node& node : bundle.graph().nodes)
      if (node.op == ir::Op::linear && node.inputs.size() > 2)
        CHECK(found.joined_with(node) == Join{&node});
    CHECK(describe(bundle, found) ==
          Json(Json::Array{Json::object(
              {{"kind", "joined products"},
               {"parameters",
                Json::array_of(std::vector<std::string>{"layers.*.q.weight", "layers.*.k.weight"})},
               {"count", 2}})}));
  }
}

TEST_CASE("weights of other columns or of another value are not joined") {
  const TemporaryFolder root;
  ir::Builder b("apart");
  const ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, 64});
  const ir::Value y = b.input("y", ElementType::f32, {ir::Symbol::batch, 64});
  b.output(b.linear(x, b.parameter("a", {32, 64})));
  b.output(b.linear(y, b.parameter("b", {32, 64})));
  const bundle::Bundle bundle = bundle_of(root.path, b.finish().value(), "w8c");
  CHECK(find_transformations(bundle).joins.empty());
}

TEST_CASE("weights that are stored differently are not joined") {
  const TemporaryFolder root;
  const ir::Graph graph = text_graph();
  const quant::Scheme scheme = quant::find_scheme("w4g32").value();
  bundle::Encoder encoder(1);
  std::vector<float> values;
  bundle::Contents contents = {
      .graph = graph, .store = [&](ir::Value value) {
        values.resize(static_cast<size_t>(ir::element_count(graph[value].shape)));
        const bool is_other = graph[value].name == "layers.0.k.weight";
        return encoder.encode(graph, value, is_other ? quant::find_scheme("w8c").value() : scheme,
                              values);
      }};
  const auto folder = bundle::write_bundle(root.path, graph, {.scheme = "w4g32"}, contents);
  REQUIRE(folder);
  const auto bundle = bundle::load_bundle(*folder);
  REQUIRE(bundle);
  const Transformations found = find_transformations(*bundle);
  REQUIRE(found.joins.size() == 1);
  CHECK(bundle->graph()[found.joins[0][0]->inputs[1]].name == "layers.1.q.weight");
}

TEST_CASE("a batch norm is folded where it alone reads an f32 convolution") {
  const TemporaryFolder root;
  const ir::Graph graph = picture_graph();
  for (const char* scheme : {"fp32", "fp16", "bf16", "w8c", "q8_0"}) {
    CAPTURE(scheme);
    const bundle::Bundle bundle = bundle_of(root.path, graph, scheme);
    const Transformations found = find_transformations(bundle);
    REQUIRE(found.folds.size() == (std::string_view(scheme) == "fp32" ? 1 : 0));
    if (found.folds.empty()) {
      CHECK(describe(bundle, found).as_array().empty());
      continue;
    }
    const Fold& only = found.folds[0];
    CHECK(bundle.graph()[only.convolution->inputs[1]].name == "a");
    CHECK(found.norm_folded_into(*only.convolution) == only.norm);
    CHECK(found.is_folded(*only.norm));
    CHECK(describe(bundle, found).as_array()[0]["count"].as_int() == 1);
  }
}

TEST_CASE("a folded convolution gives what convolution and norm give") {
  const TemporaryFolder root;
  const bundle::Bundle bundle = bundle_of(root.path, picture_graph(), "fp32");
  const Fold only = find_transformations(bundle).folds.at(0);
  const FoldedConvolution folded = fold(bundle, only);
  const auto values = [&](const ir::Node& node, size_t i) {
    return bundle.parameter(node.inputs[i]).f32();
  };
  const float x[] = {0.5f, -2.0f, 1.5f};  // one pixel's channels
  for (size_t row = 0; row < 3; ++row) {
    double sum = values(*only.convolution, 2)[row];
    double got = folded.bias[row];
    for (size_t column = 0; column < 3; ++column) {
      sum += static_cast<double>(x[column]) * values(*only.convolution, 1)[row * 3 + column];
      got += static_cast<double>(x[column]) * folded.weight[row * 3 + column];
    }
    const double deviation = std::sqrt(values(*only.norm, 4)[row] + 1e-3);
    const double wanted =
        (sum - values(*only.norm, 3)[row]) / deviation * values(*only.norm, 1)[row] +
        values(*only.norm, 2)[row];
    CHECK(got == doctest::Approx(wanted).epsilon(1e-5));
  }
}

TEST_CASE("rotary tables turn position 0 by nothing and the first pair by a radian a position") {
  const RotaryTables tables = rotary_tables(3, {.theta = 100.0, .dims = 4});
  CHECK(tables.cosines[0] == 1.0f);
  CHECK(tables.sines[1] == 0.0f);
  CHECK(tables.sines[2] == doctest::Approx(std::sin(1.0)));
  CHECK(tables.cosines[2 * 2 + 1] == doctest::Approx(std::cos(2.0 / 10.0)));
}
