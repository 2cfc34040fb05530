// The engine's own Objective-C++, src/measurement/engines/coreml/runtime_macos.mm, on a fake of
// Core ML.
#import <Foundation/Foundation.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#import "fakes/core_ml.h"
#include "measurement/engines/coreml/runtime.h"
#include "measurement/engines/coreml/shares.h"

namespace {

namespace fs = std::filesystem;
using namespace qb;
using namespace qb::coreml;

// A folder with a package; the fake compiles it to a file beside it.
struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_core_ml_{}", ::getpid());
  Folder() {
    fs::create_directories(path / "net.mlpackage");
    std::ofstream(path / "net.mlmodelc") << "compiled";
  }
  ~Folder() { fs::remove_all(path); }
};

struct Memory {
  float x[6] = {1, 2, 3, 4, 5, 6};
  float y[6] = {};
  std::vector<Array> inputs() { return {{"x", Type::f32, {2, 3}, x}}; }
  std::vector<Array> outputs() { return {{"y", Type::f32, {2, 3}, y}}; }
};

Model loaded(Units units = Units::all) {
  auto model = Model::load("/tmp/net.mlmodelc", units);
  REQUIRE(model);
  return *std::move(model);
}

TEST_CASE("a package is compiled to a path that stays") {
  const Folder folder;
  REQUIRE(compile_package(folder.path / "net.mlpackage", folder.path / "kept.mlmodelc"));
  CHECK(fs::exists(folder.path / "kept.mlmodelc"));
  const auto refused = compile_package("/tmp/net.txt", folder.path / "other.mlmodelc");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(refused.error().message.find("not a model package") != std::string::npos);
}

TEST_CASE("the units are those that were asked for, and the model goes with its owner") {
  const std::pair<Units, long> all[] = {
      {Units::cpu, 0}, {Units::cpu_and_gpu, 1}, {Units::all, 2}, {Units::cpu_and_ane, 3}};
  for (const auto& [units, wanted] : all) {
    const Model model = loaded(units);
    CHECK(fake::core_ml.compute_units == wanted);
    CHECK(fake::core_ml.models_alive == 1);
  }
  CHECK(fake::core_ml.models_alive == 0);
  CHECK(Model::load("/tmp/net.txt", Units::cpu).error().message.find("not a compiled model") !=
        std::string::npos);
}

TEST_CASE("a prediction reads and writes the caller's memory") {
  Memory memory;
  {
    Model model = loaded();
    REQUIRE(model.bind(memory.inputs(), memory.outputs()));
    for (int i = 0; i < 500; ++i) REQUIRE(model.predict());
    CHECK(memory.y[5] == 12);
    memory.x[0] = 10;
    REQUIRE(model.predict());
    CHECK(memory.y[0] == 20);
  }
  CHECK(fake::core_ml.arrays_alive == 0);
}

TEST_CASE("an answer in memory of Core ML's own, with rows further apart") {
  Memory memory;
  fake::core_ml.pads_rows = true;
  Model model = loaded();
  REQUIRE(model.bind(memory.inputs(), memory.outputs()));
  REQUIRE(model.predict());
  fake::core_ml.pads_rows = false;
  for (int i = 0; i < 6; ++i) CHECK(memory.y[i] == 2 * memory.x[i]);
}

TEST_CASE("what the model doesn't take is an error in Core ML's words") {
  Memory memory;
  Model model = loaded();
  const std::vector<Array> other[] = {{{"z", Type::f32, {2, 3}, memory.x}},
                                      {{"x", Type::f32, {3, 2}, memory.x}},
                                      {{"x", Type::f16, {2, 3}, memory.x}}};
  for (const std::vector<Array>& inputs : other) {
    REQUIRE(model.bind(inputs, memory.outputs()));
    CHECK(model.predict().error().message == "Core ML doesn't predict: x and y are [2, 3] of f32");
  }
  CHECK_FALSE(model.bind(std::vector<Array>{{"x", Type::f32, {2, 3}, nullptr}}, memory.outputs()));
  REQUIRE(model.bind(memory.inputs(), memory.outputs()));
  CHECK(model.predict());
}

TEST_CASE("what Core ML throws is an error") {
  Memory memory;
  Model model = loaded();
  REQUIRE(model.bind(memory.inputs(), memory.outputs()));
  fake::core_ml.throws = true;
  const auto done = model.predict();
  fake::core_ml.throws = false;
  CHECK(done.error().code == Errc::framework_failed);
}

TEST_CASE("caches are kept between predictions and come along to another model") {
  {
    Memory memory;
    Model first = loaded();
    Model second = loaded();
    for (Model* model : {&first, &second}) {
      REQUIRE(model->make_state());
      REQUIRE(model->bind(memory.inputs(), memory.outputs()));
    }
    REQUIRE(first.predict());
    CHECK(memory.y[0] == 2);
    REQUIRE(first.predict());
    CHECK(memory.y[0] == 3);
    const std::vector<std::string> names = {"cache"};
    REQUIRE(second.take_state(first, names));
    REQUIRE(second.predict());
    CHECK(memory.y[0] == 4);
  }
  CHECK(fake::core_ml.states_alive == 0);
  CHECK(fake::core_ml.arrays_alive == 0);
}

TEST_CASE("the plan tells each operation's unit and cost") {
  const Model model = loaded(Units::cpu_and_ane);
  const auto plan = model.plan();
  REQUIRE(plan);
  REQUIRE(plan->size() == 3);
  CHECK(plan->at(0).unit == "");
  CHECK(plan->at(2).unit == "ane");
  const auto shares = shares_of(*plan);
  CHECK(shares.at(0).unit == "ane");
  CHECK(shares.at(0).cost == 0.75);
  CHECK(fake::core_ml.compute_units == 3);
  fake::core_ml.has_plan = false;
  const auto none = model.plan();
  fake::core_ml.has_plan = true;
  CHECK(none.error().code == Errc::unavailable);
  CHECK(none.error().message == "Core ML can't build a plan: a dynamic shape");
}

TEST_CASE("packages need a system of their age") {
  CHECK(*find_core_ml(9) == "macOS 15.2");
  CHECK(find_core_ml(10).error().message == "the package needs macOS 26, this is macOS 15.2");
  fake::core_ml.macos = 14;
  CHECK(find_core_ml(8));
  CHECK_FALSE(find_core_ml(9));
  fake::core_ml.macos = 15;
}

}  // namespace
