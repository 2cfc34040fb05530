// A model of two networks through its whole way: build, verify, load, compile, run, outputs by
// name.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "compression/bundle/model.h"
#include "compression/compress/compress.h"
#include "compression/reference/interpreter.h"
#include "measurement/worker/networks.h"
#include "network/models/models.h"
#include "networks.h"

using namespace qb;
using namespace qb::parity;
using ir::Builder;
using ir::Symbol;
using ir::Value;
namespace fs = std::filesystem;

namespace {

ir::Graph text_tower() {
  Builder b("text_tower");
  const Value x = b.embedding(tokens_input(b), b.parameter("table", {40, 64}));
  const Value y =
      b.attention(b.linear(x, b.parameter("q", {64, 64})), b.linear(x, b.parameter("k", {64, 64})),
                  b.linear(x, b.parameter("v", {64, 64})), {4, 4, 16, false});
  b.output(b.linear(y, b.parameter("out", {32, 64})), "text");
  b.output(y, "hidden");
  return b.finish().value();
}

ir::Graph picture_tower() {
  Builder b("picture_tower");
  const Value x = b.input("x", ElementType::f32, {Symbol::batch, 8, Symbol::height, Symbol::width});
  const Value y = b.relu6(b.conv2d(x, b.parameter("w", {32, 8, 3, 3}), {.padding = {1, 1, 1, 1}}));
  const Value pooled = b.flatten(b.global_average_pool(y));
  b.output(pooled, "hidden");
  b.output(b.linear(pooled, b.parameter("out", {32, 32})), "picture");
  return b.finish().value();
}

Result<std::vector<models::NamedGraph>> towers() {
  return std::vector<models::NamedGraph>{{"text_tower", text_tower()},
                                         {"picture_tower", picture_tower()}};
}

struct TwoTowers {
  fs::path root = fs::temp_directory_path() / fmt::format("qb_towers_{}", ::getpid());
  fs::path model;

  explicit TwoTowers(const char* scheme) { model = build(scheme).value(); }
  Result<fs::path> build(const char* scheme) const {
    const models::Model two = {.name = "two-towers", .build = nullptr, .build_several = towers};
    std::vector<compress::NetworkJob> jobs;
    QB_TRY(const std::vector<models::NamedGraph> networks, models::build_networks(two));
    for (const auto& [name, graph] : networks)
      jobs.push_back({name,
                      {.model = {graph, seeded},
                       .scheme = quant::find_scheme(scheme).value(),
                       .source_hash = name,
                       .root = root}});
    return compress::build_model(jobs);
  }
  ~TwoTowers() { fs::remove_all(root); }
};

void check_refused(const fs::path& model, std::string_view reason) {
  const auto verified = bundle::verify_model(model);
  REQUIRE_FALSE(verified);
  CAPTURE(verified.error().message);
  CHECK(verified.error().message.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("a model of two networks: built, verified, compiled, its outputs found by name") {
  for (const char* scheme : {"fp32", "w8c"}) {
    CAPTURE(scheme);
    const TwoTowers towers(scheme);
    REQUIRE(bundle::verify_model(towers.model));
    CHECK(towers.build(scheme).value() == towers.model);  // found again
    auto networks = worker::load_networks(towers.model);
    REQUIRE(networks);
    REQUIRE(networks->size() == 2);
    REQUIRE(worker::compile_networks(engine(), {}, *networks));
    CHECK_FALSE(worker::find_network(*networks, "sound_tower"));
    struct Row {
      const char* network;
      std::vector<const char*> outputs;
    };
    const Row rows[] = {{"text_tower", {"text", "hidden"}},
                        {"picture_tower", {"hidden", "picture"}}};
    for (const Row& row : rows) {
      const worker::Network& network = **worker::find_network(*networks, row.network);
      Rng rng(5);
      const Step step =
          step_of(network.bundle->graph(),
                  {{Symbol::sequence, 5}, {Symbol::height, 7}, {Symbol::width, 6}}, 0, rng);
      reference::Interpreter reference(*network.bundle, {});
      REQUIRE(reference.run(step.tensors, 0));
      REQUIRE(network.session->run({step.tensors, 0}));
      for (size_t i = 0; i < row.outputs.size(); ++i) {
        const auto got = network.output(row.outputs[i]);
        REQUIRE(got);
        CHECK(relative_rms(reference.outputs()[i].f32(), got->f32()) <= 1.5e-2);
      }
      CHECK_FALSE(network.output("nothing"));
    }
  }
}

TEST_CASE("a broken model is refused with the name of what is wrong") {
  const TwoTowers towers("fp32");
  const auto networks = bundle::find_networks(towers.model).value();
  {
    std::fstream file(networks[1].folder / "weights.bin", std::ios::in | std::ios::out);
    file.seekp(8);
    file.put('x');
  }
  check_refused(towers.model, "network \"picture_tower\"");
  fs::remove_all(networks[0].folder);
  check_refused(towers.model, "network \"text_tower\" is missing");
  CHECK_FALSE(worker::load_networks(towers.model));
  const std::string list = read_file(towers.model / "model.json").value();
  REQUIRE(write_file_atomically(towers.model / "model.json", list + " "));
  check_refused(towers.model, "does not match its hash");
  const fs::path elsewhere = towers.root / "elsewhere";
  fs::create_directories(elsewhere);
  REQUIRE(write_file_atomically(elsewhere / "model.json",
                                R"({"format":1,"networks":[{"name":"a","bundle":"../../etc"}]})"));
  const auto hostile = bundle::load_model(elsewhere);
  REQUIRE_FALSE(hostile);
  CHECK(hostile.error().message.find("is no content hash") != std::string::npos);
}

TEST_CASE("several networks are not calibrated, with the reason") {
  const auto refused = TwoTowers("fp32").build("static8c");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(refused.error().message.find("text_tower") != std::string::npos);
}

TEST_CASE("a model of one network is its bundle") {
  const bundle::Bundle made = bundle_of(text_tower(), quant::find_scheme("fp32").value());
  const bundle::NetworkFolder only = {"", "some/" + made.content_hash()};
  CHECK(bundle::write_model("unused", {&only, 1}).value() == only.folder);
}
