// Hashes that every compiler and processor must agree on: of the zoo's graphs, of what recipes say
// of them, and of bundles. tests/apple/compilers.sh and arm.sh run this program as others built it.
//
// QB_HASHES=FILE writes what this program finds there, the calibrated bundles too, which may
// differ: they depend on sums of Eigen's, whose order is the vectors', and on the C library's
// exp(). Under the emulator (QB_EMULATED) they are left out: they take most of the time.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/hash.h"
#include "base/rng.h"
#include "compression/bundle/tensor_file.h"
#include "compression/compress/compress.h"
#include "network/models/efficientnet.h"
#include "network/models/models.h"
#include "network/weights/synthetic.h"

using namespace qb;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view golden_file = QB_SOURCE_DIR "/tests/golden/hashes.txt";

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_hashes_{}", ::getpid());
  TemporaryFolder() { fs::create_directories(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
};

// All kinds of layers the zoo has, small enough to be built in each scheme.
std::vector<ir::Graph> tiny_graphs() {
  return {models::find_model("llama-test")->build().value(),
          models::build_efficientnet({.name = "efficientnet-tiny",
                                      .width_multiplier = 0.25,
                                      .image_size_px = 32,
                                      .lite = false,
                                      .class_count = 10})
              .value()};
}

std::vector<quant::Scheme> all_schemes() {
  std::vector<quant::Scheme> schemes = quant::schemes();
  for (const char* name : {"w8c+cle", "w4g32+fold+hqq"})
    schemes.push_back(quant::find_scheme(name).value());
  return schemes;
}

Result<void> synthetic(const ir::ValueInfo& info, std::span<float> out) {
  weights::fill_synthetic(info.name, 1, ir::bind(info.shape, {}), out);
  return {};
}

compress::CalibrationSet calibration_for(const ir::Graph& graph, const fs::path& folder) {
  const bool is_text = graph.nodes.front().op == ir::Op::embedding;
  const fs::path file = folder / (graph.name + ".tensors");
  const std::vector<int64_t> shape =
      is_text ? std::vector<int64_t>{4, 32} : std::vector<int64_t>{4, 3, 32, 32};
  Rng rng(23);
  std::vector<int64_t> tokens(element_count(shape));
  std::vector<float> values(element_count(shape));
  for (int64_t& token : tokens) token = static_cast<int64_t>(rng.below(256));
  for (float& value : values) value = static_cast<float>(rng.normal());
  const bundle::NamedTensor tensor =
      is_text ? bundle::NamedTensor{"tokens", {ElementType::i64, shape, tokens.data()}}
              : bundle::NamedTensor{"images", {ElementType::f32, shape, values.data()}};
  REQUIRE(bundle::save_tensor_file(file, Json::object({}), {&tensor, 1}));
  return {"seeded", "seeded", file, 4};
}

std::string bundle_line(const ir::Graph& graph, const quant::Scheme& scheme, const fs::path& root) {
  compress::Job job = {.model = {graph, synthetic},
                       .scheme = scheme,
                       .source_hash = "seed 1",
                       .root = root,
                       .thread_count = 2};
  if (scheme.needs_calibration()) job.calibration = calibration_for(graph, root);
  const auto folder = compress::build_bundle(job);
  if (!folder) REQUIRE(folder.error().code == Errc::unsupported);
  return fmt::format("{} {} {} {}\n", scheme.needs_calibration() ? "calibrated" : "bundle",
                     graph.name, scheme.name, folder ? folder->filename().string() : "unsupported");
}

std::string graph_lines() {
  std::string lines;
  for (const models::Model& model : models::models()) {
    const auto networks = models::build_networks(model).value();
    for (const auto& [name, graph] : networks)
      lines += fmt::format("graph {}{} {}\n", model.name, name.empty() ? "" : "/" + name,
                           hash_of(dump_json(ir::to_json(graph))));
  }
  return lines;
}

// Without the code's hash, which tells compilers apart on purpose (docs/decisions/0020).
std::string recipe_lines() {
  std::string lines;
  for (const ir::Graph& graph : tiny_graphs())
    for (const char* scheme : {"fp32", "w4g32"})
      lines += fmt::format(
          "recipe {} {} {}\n", graph.name, scheme,
          bundle::recipe_hash(graph, {.scheme = scheme, .source_hash = "seed 1", .code = "any"}));
  return lines;
}

std::string bundle_lines(bool is_calibrated) {
  const TemporaryFolder root;
  std::string lines;
  for (const ir::Graph& graph : tiny_graphs())
    for (const quant::Scheme& scheme : all_schemes())
      if (scheme.needs_calibration() == is_calibrated)
        lines += bundle_line(graph, scheme, root.path);
  return lines;
}

std::string read_golden() {
  std::ifstream in{std::string(golden_file)};
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("graphs, recipes and bundles have the hashes that every other machine gives them") {
  const std::string lines = graph_lines() + recipe_lines() + bundle_lines(false);
  if (std::getenv("QB_UPDATE_GOLDEN")) std::ofstream(std::string(golden_file)) << lines;
  if (const char* file = std::getenv("QB_HASHES"))
    std::ofstream(file) << "compiler " __VERSION__ "\n"
                        << lines << (std::getenv("QB_EMULATED") ? "" : bundle_lines(true));
  CHECK(read_golden() == lines);
}
