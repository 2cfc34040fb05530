// Core ML itself, behind a seam without Objective-C: runtime_macos.mm, and on other systems
// runtime_linux.cpp, which says that it isn't there.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/engines/coreml/values.h"

namespace qb::coreml {

// Which units Core ML may choose from. That a unit may be used doesn't mean that it is: see
// Model::plan.
enum class Units : uint8_t { cpu, cpu_and_gpu, cpu_and_ane, all };
struct UnitsRow {
  Units units;
  std::string_view device;  // as qbench calls it
};
inline constexpr UnitsRow units_rows[] = {{Units::cpu, "cpu"},
                                          {Units::cpu_and_gpu, "cpu+gpu"},
                                          {Units::cpu_and_ane, "cpu+ane"},
                                          {Units::all, "all"}};

// "macOS 15.1". Errors: unavailable, why Core ML can't run packages of `specification` here.
Result<std::string> find_core_ml(int32_t specification);

// Compiles a package for this machine and puts the result to `compiled`, a path that stays: Core ML
// keeps what it specialises by that. Errors: unsupported, in Core ML's words.
Result<void> compile_package(const std::filesystem::path& package,
                             const std::filesystem::path& compiled);

// Memory of the caller's, row-major, that outlives the model's use of it. f16, f32 or i32.
struct Array {
  std::string name;
  Type type = Type::f32;
  Shape shape;
  void* data = nullptr;
};

// Where Core ML plans to run an operation.
struct PlannedOperation {
  std::string op;
  std::string unit;   // "cpu", "gpu", "ane"; "" when it doesn't say
  double cost = 0.0;  // its share of the whole, as Core ML estimates it
};

class Model {
 public:
  // Errors: unsupported or framework_failed, in Core ML's words.
  static Result<Model> load(const std::filesystem::path& compiled, Units units);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  // Caches of its own, all zero; without it a prediction has none.
  Result<void> make_state();
  // The states' values become those of another model's states of the same names and shapes.
  Result<void> take_state(const Model& other, std::span<const std::string> names);
  // Where inputs are read and outputs written; valid until the next bind().
  Result<void> bind(std::span<const Array> inputs, std::span<const Array> outputs);
  // Blocks until the outputs are written.
  Result<void> predict();
  // Errors: unavailable, when Core ML can't build a plan; says why.
  Result<std::vector<PlannedOperation>> plan() const;

 private:
  struct State;
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace qb::coreml
