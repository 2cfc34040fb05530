// A request that asks for a package, carried out with made-up engines.
#include <doctest/doctest.h>

#include "base/file.h"
#include "measurement/scenarios/fake_session.h"
#include "measurement/scenarios/scenarios.h"

using namespace qb;
using namespace qb::scenarios;
namespace fs = std::filesystem;

namespace {

// Of a framework that isn't here: it only emits.
class Emitter : public worker::Engine {
 public:
  worker::Description describe() const override {
    return {.framework = "elsewhere", .available = false, .reason = "not here", .remedy = "none"};
  }
  Result<std::unique_ptr<worker::Session>> compile(const bundle::Bundle&,
                                                   const worker::CompileOptions&) override {
    return fail(Errc::unavailable, "it runs elsewhere");
  }
  Result<Json> emit(std::span<const bundle::NamedBundle> networks,
                    const worker::EmitOptions& options, const fs::path& folder) override {
    if (!writes) return Json::object({});
    fs::create_directory(folder / "data");
    QB_CHECK(write_file_atomically(folder / "data" / "weights", "12345"));
    QB_CHECK(write_file_atomically(folder / "network", networks.front().bundle.graph().name));
    return Json::object(
        {{"target", options.target}, {"batch", options.extents.at(ir::Symbol::batch).front()}});
  }
  bool writes = true;
};

// One that doesn't say how.
class Runner : public worker::Engine {
 public:
  worker::Description describe() const override { return {.framework = "here"}; }
  Result<std::unique_ptr<worker::Session>> compile(const bundle::Bundle&,
                                                   const worker::CompileOptions&) override {
    return std::make_unique<fake::FakeSession>();
  }
};

struct Emitting {
  fake::Stage stage;
  wire::Request request = {.emission = wire::Emission{
                               .bundle = (stage.root / stage.classifier().content_hash()).string(),
                               .target = "phone",
                               .extents = {{"batch", 3}},
                               .folder = (stage.root / "package").string()}};
};

}  // namespace

TEST_CASE("a framework that isn't here emits, and what it wrote is told file by file") {
  Emitting e;
  Emitter engine;
  fake::Listener listener;
  REQUIRE(run_request(engine, e.request, listener.send()));
  const Json& package = listener.facts["package"];
  CHECK(package["bytes"].as_int() == 5 + 4);
  REQUIRE(package["files"].as_array().size() == 2);
  CHECK(package["files"].as_array()[0]["name"].as_string() == "data/weights");
  CHECK(package["files"].as_array()[0]["bytes"].as_int() == 5);
  CHECK(package["files"].as_array()[1]["name"].as_string() == "network");
  CHECK(package["notes"]["target"].as_string() == "phone");
  CHECK(package["notes"]["batch"].as_int() == 3);
  CHECK(read_file(e.stage.root / "package" / "network").value() == "tiny");
}

TEST_CASE("an engine that emits nothing says so, and a package without files is none") {
  Emitting e;
  Runner runner;
  Emitter idle;
  idle.writes = false;
  fake::Listener listener;
  const auto refused = run_request(runner, e.request, listener.send());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(refused.error().message == "the engine of here emits no packages");
  const auto empty = run_request(idle, e.request, listener.send());
  REQUIRE_FALSE(empty);
  CHECK(empty.error().code == Errc::framework_failed);
  CHECK_FALSE(listener.facts.contains("package"));
}

TEST_CASE("a dimension that is none, or an extent of nothing, is no package's") {
  for (const wire::FixedExtent& wrong :
       {wire::FixedExtent{"depth", 2}, wire::FixedExtent{"none", 2}, wire::FixedExtent{"batch", 0},
        wire::FixedExtent{"batch", -1}}) {
    CAPTURE(wrong.dimension);
    Emitting e;
    e.request.emission->extents = {wrong};
    Emitter engine;
    fake::Listener listener;
    const auto refused = run_request(engine, e.request, listener.send());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find(wrong.dimension) != std::string::npos);
    CHECK_FALSE(fs::exists(e.request.emission->folder));
  }
}
