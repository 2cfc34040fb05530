// One network on Core ML: a compiled model for each set of shapes that it meets.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "measurement/engines/coreml/emit.h"
#include "measurement/engines/coreml/runtime.h"
#include "measurement/worker/engine.h"

namespace qb::coreml {

class CoreMlSession : public worker::Session {
 public:
  // The bundle must outlive the session. Its package for a step of one token (or, of a network
  // that leaves nothing open, for its only step) is written: what Core ML can't hold is told here.
  static Result<std::unique_ptr<CoreMlSession>> make(const bundle::Bundle& bundle,
                                                     const worker::CompileOptions& options,
                                                     const Target& target, Units units);
  ~CoreMlSession() override;

  // Loads the first model now, and not when it is first needed.
  Result<void> load();

  // A step of other shapes than before is compiled and loaded here, and the caches come along.
  Result<void> stage(const worker::StepInputs& inputs) override;
  Result<void> run(const worker::StepInputs& inputs) override;
  std::span<const TensorView> outputs() const override;
  Json actual() const override;

 private:
  struct Program;

  CoreMlSession(const bundle::Bundle& bundle, const worker::CompileOptions& options,
                const Target& target, Units units);
  std::filesystem::path folder_of(const ir::Extents& extents) const;
  Result<Program*> program_for(const ir::Extents& extents);
  Result<void> write(Program& program);
  Result<void> load(Program& program);
  Result<void> fill(Program& program, const worker::StepInputs& inputs);
  std::vector<std::string> state_names() const;

  const bundle::Bundle& bundle_;
  worker::CompileOptions options_;
  Target target_;
  Units units_;
  std::filesystem::path root_;
  bool is_temporary_ = false;
  std::map<std::vector<int64_t>, std::unique_ptr<Program>> programs_;  // by all extents
  Program* current_ = nullptr;
  bool is_staged_ = false;
  mutable bool has_floats_ = false;  // outputs are converted when they are asked for
  mutable std::vector<std::vector<float>> floats_;
  mutable std::vector<TensorView> views_;
};

}  // namespace qb::coreml
