// A model of several networks: prepared, told about, copied, and what of it is refused.
#include "measurement/prepare/preparation.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "compression/bundle/copy.h"
#include "compression/bundle/model.h"
#include "network/ir/builder.h"

using namespace qb;
using namespace qb::prepare;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_preparation_{}", ::getpid());
  ~TemporaryFolder() { fs::remove_all(path); }
};

ir::Graph network(const char* name, int64_t width) {
  ir::Builder b(name);
  const ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, 64});
  b.output(b.linear(x, b.parameter(fmt::format("{}.weight", name), {width, 64})));
  return b.finish().value();
}

Result<std::vector<models::NamedGraph>> two() {
  return std::vector<models::NamedGraph>{{"narrow", network("narrow", 32)},
                                         {"wide", network("wide", 96)}};
}

const models::Model pair = {.name = "pair", .build = nullptr, .build_several = two};

// What is told of the pair in that scheme.
Result<std::map<std::string, Json>> facts_of(const TemporaryFolder& folder, const char* scheme) {
  std::map<std::string, Json> facts;
  QB_TRY(const ModelSource source, open_model(pair, folder.path));
  QB_CHECK(run_preparation({.model = "pair",
                            .scheme = scheme,
                            .data_folder = folder.path.string(),
                            .cache_folder = folder.path.string(),
                            .with_layer_errors = true},
                           source, [&](const wire::Event& event) {
                             if (const auto* fact = std::get_if<wire::Fact>(&event))
                               facts[fact->name] = fact->value;
                           }));
  return facts;
}

}  // namespace

TEST_CASE("a model of two networks is prepared as one: its bundle, layers and sums are of both") {
  const TemporaryFolder folder;
  const auto facts = facts_of(folder, "w8c");
  REQUIRE(facts);
  CHECK(facts->at("source")["weight_count"].as_int() == 64 * (32 + 96));
  CHECK(facts->at("stored")["parameter_count"].as_int() == 2);
  CHECK(facts->at("stored")["element_count"].as_int() == 64 * (32 + 96));
  std::vector<std::string> layers;
  double last = 0.0;
  for (const Json& layer : facts->at("layers").as_array()) {
    layers.push_back(layer["parameter"].as_string());
    CHECK(layer["sqnr_db"].as_double() >= last);  // the worst first, of both
    last = layer["sqnr_db"].as_double();
  }
  std::ranges::sort(layers);
  CHECK(layers == std::vector<std::string>{"narrow/narrow.weight", "wide/wide.weight"});
  const fs::path bundle = facts->at("bundle").as_string();
  REQUIRE(bundle::verify_model(bundle));
  CHECK(bundle::find_networks(bundle)->size() == 2);
}

TEST_CASE("a copy of a model of two networks is whole by itself") {
  const TemporaryFolder folder;
  const auto facts = facts_of(folder, "fp32");
  REQUIRE(facts);
  const fs::path bundle = facts->at("bundle").as_string();
  const auto copy = bundle::copy_model(bundle, folder.path / "copy");
  REQUIRE(copy);
  CHECK(*copy == folder.path / "copy" / bundle.filename());
  fs::remove_all(folder.path / "bundles");
  REQUIRE(bundle::verify_model(*copy));
  const fs::path one = bundle::find_networks(*copy)->front().folder;
  CHECK(bundle::copy_model(one, folder.path / "one").value() == folder.path / "one");
  CHECK(bundle::load_bundle(folder.path / "one"));
  fs::remove_all(one);  // now there is one missing
  CHECK_FALSE(bundle::copy_model(*copy, folder.path / "half"));
  CHECK_FALSE(fs::exists(folder.path / "half"));
}

TEST_CASE("several networks aren't calibrated, and that is said") {
  const TemporaryFolder folder;
  const auto facts = facts_of(folder, "static8c");
  REQUIRE_FALSE(facts);
  CHECK(facts.error().code == Errc::unsupported);
  CHECK(facts.error().message.find("pair in static8c") != std::string::npos);
  CHECK(facts.error().message.find("several networks") != std::string::npos);
}
