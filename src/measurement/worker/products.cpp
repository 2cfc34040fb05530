#include "measurement/worker/products.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "base/rng.h"
#include "compression/bundle/encode.h"
#include "compression/quant/scheme.h"
#include "network/ir/builder.h"

namespace qb::worker {
namespace {

using ir::Symbol;
using ir::Value;

constexpr int64_t sample_count = 4096;
constexpr double tf32_error = 5e-3;

struct Limit {
  std::string_view scheme;
  double error;
};
// Of the worst of the outputs; one that is wrong is off by about 1. Sums of 3,072 terms that are
// kept in f16 were off by 0.06 (decision 44).
constexpr Limit limits[] = {{"fp32", 1e-4}, {"fp16", 0.15}, {"bf16", 0.1}};

std::vector<float> random_values(std::string_view name, int64_t count) {
  Rng rng(derive_seed(1, name));
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(2.0 * rng.uniform() - 1.0);
  return values;
}

ir::Graph linear_graph(const ProductSize& size) {
  ir::Builder b("products");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, size.input_width});
  b.output(b.linear(x, b.parameter("weight", {size.output_width, size.input_width})));
  return b.finish().value();
}

Result<bundle::Bundle> bundle_of(const ir::Graph& graph, const quant::Scheme& scheme,
                                 std::span<const float> weights) {
  bundle::Encoder encoder(1);
  const auto store = [&](Value parameter) {
    return encoder.encode(graph, parameter, scheme, weights);
  };
  return bundle::hold_bundle(scheme, {.graph = graph, .store = store});
}

double error_of(std::span<const float> x, std::span<const float> w, float y) {
  double exact = 0.0;
  double x_square = 0.0;
  double w_square = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double a = x[i];
    const double b = w[i];
    exact += a * b;
    x_square += a * a;
    w_square += b * b;
  }
  const double scale = std::sqrt(x_square * w_square / static_cast<double>(x.size()));
  const double error = std::abs(static_cast<double>(y) - exact) / scale;
  return std::isfinite(error) ? error : std::numeric_limits<double>::max();
}

double worst_error(std::span<const float> x, std::span<const float> w, std::span<const float> y,
                   const ProductSize& size) {
  const auto width = static_cast<size_t>(size.input_width);
  const auto rows = static_cast<uint64_t>(size.row_count);
  const auto columns = static_cast<uint64_t>(size.output_width);
  Rng rng(derive_seed(1, "samples"));
  double worst = 0.0;
  for (int64_t i = 0; i < std::min(sample_count, size.row_count * size.output_width); ++i) {
    const uint64_t row = rng.below(rows);
    const uint64_t column = rng.below(columns);
    worst = std::max(worst, error_of(x.subspan(row * width, width),
                                     w.subspan(column * width, width), y[row * columns + column]));
  }
  return worst;
}

// The outputs, copied, and what the session says that it computes.
struct Product {
  std::vector<float> outputs;
  std::string computes;
};

Result<Product> multiply(Engine& engine, const std::string& device, const bundle::Bundle& bundle,
                         std::span<const float> x, const ProductSize& size) {
  QB_TRY(const auto session, engine.compile(bundle, {.device = device, .batch = size.row_count}));
  const int64_t shape[] = {size.row_count, size.input_width};
  const TensorView inputs[] = {{ElementType::f32, shape, x.data()}};
  QB_CHECK(session->run({inputs, 0}));
  const std::span<const float> outputs = session->outputs()[0].f32();
  return Product{{outputs.begin(), outputs.end()},
                 std::string(session->actual()["compute_type"].as_string())};
}

}  // namespace

Json check_products(Engine& engine, const std::string& device, const ProductSize& size) {
  const ir::Graph graph = linear_graph(size);
  const std::vector<float> x = random_values("x", size.row_count * size.input_width);
  const std::vector<float> weights = random_values("w", size.output_width * size.input_width);
  std::vector<float> stored(weights.size());
  Json checked = Json::object({});
  std::string problem;
  for (const Limit& limit : limits) {
    const auto scheme = quant::find_scheme(limit.scheme);
    const bundle::Bundle bundle = bundle_of(graph, *scheme, weights).value();
    const auto product = multiply(engine, device, bundle, x, size);
    if (!product) {
      checked.set(limit.scheme, Json::object({{"refused", product.error().message}}));
      continue;
    }
    bundle::decode_f32(bundle.parameter(graph.of_kind(ir::ValueKind::parameter)[0]), stored);
    const double worst = worst_error(x, stored, product->outputs, size);
    Json said = Json::object({{"worst_error", worst}, {"computes", product->computes}});
    const bool is_f32 = limit.scheme == "fp32";
    if (is_f32 && worst > limit.error && worst <= tf32_error)
      said.set("note", "products are rounded as TF32 does");
    else if (worst > limit.error)
      problem +=
          fmt::format("{}{} products of [{}, {}] by [{}, {}] are off by {:.2g} (at most {})",
                      problem.empty() ? "" : "; ", limit.scheme, size.row_count, size.input_width,
                      size.output_width, size.input_width, worst, limit.error);
    checked.set(limit.scheme, said);
  }
  checked.set("problem", problem);
  return checked;
}

}  // namespace qb::worker
