// What a framework must offer: describe itself, compile a bundle, run a step. The worker owns
// warm-up, the timed loop, the clock and the sample buffers; an engine only compiles and runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/tensor.h"
#include "compression/bundle/bundle.h"
#include "compression/bundle/model.h"

namespace qb::worker {

struct DeviceDescription {
  std::string name;  // "cpu", "gpu", "ane"
  bool available = true;
  std::string reason;  // when not: why, and the remedy
};

struct Description {
  std::string framework;  // "onnxruntime"
  std::string version;    // of the framework found at run time; empty when unavailable
  bool available = true;
  std::string reason;  // when not: why
  std::string remedy;  // when not: what to do
  std::vector<DeviceDescription> devices;
  std::vector<std::string> operators;  // IR operators it lowers
  std::string emits;                   // what emit() writes, in words; empty: nothing
  Json facts = Json::object({});       // library path, build info, BLAS, …
};

struct CompileOptions {
  std::string device = "cpu";
  int64_t thread_count = 1;
  int64_t batch = 1;
  int64_t context_tokens = 0;  // capacity of the KV caches; 0 when the graph has no state
};

// Of the symbols that are set at compilation.
ir::Extents extents_of(const CompileOptions& options);

struct EmitOptions {
  std::string
      target;  // what the package is for, in the framework's words; "" leaves it to the engine
  // Dimensions that the package has fixed, each at one extent or at several; whether others may
  // stay open the engine says.
  std::map<ir::Symbol, std::vector<int64_t>> extents;
};

struct StepInputs {
  std::span<const TensorView> tensors;  // in the order of the graph's inputs
  int64_t past_tokens = 0;              // tokens already in the caches
};

class Session {
 public:
  virtual ~Session() = default;
  // Brings inputs to the memory, type and layout that the framework computes with. Not timed. They
  // are those of the next run(), which gets the same tensors again; without stage() before it,
  // run() does this itself. An engine that reads inputs where they lie has nothing to do here.
  virtual Result<void> stage(const StepInputs& /*inputs*/) { return {}; }
  // Blocks until the outputs lie in readable memory: this is what is timed. Caches are updated in
  // place.
  virtual Result<void> run(const StepInputs& inputs) = 0;
  // The outputs of the last run, in the graph's order; valid until the next stage() or run().
  virtual std::span<const TensorView> outputs() const = 0;
  // What really runs, asked of the framework: {"device": …, "compute_type": …, "kernels": {name:
  // count}}.
  virtual Json actual() const = 0;
};

// What a model file says of one of its inputs.
struct FileInput {
  std::string name;
  ElementType type = ElementType::f32;
  std::vector<int64_t> shape;        // -1 where the file leaves it open
  std::vector<std::string> symbols;  // a name for each dimension, where the file has one
  bool is_rank_known = true;         // false: the file leaves the whole shape open
};

// A model file of the user's own, opened. Its run() takes the inputs in the order of inputs(), or
// in the order that the user gave them in where the file doesn't tell.
class FileSession : public Session {
 public:
  // Empty: files of this kind don't tell.
  virtual const std::optional<std::vector<FileInput>>& inputs() const = 0;
  // Where files don't tell their inputs, the names that they may have nevertheless.
  virtual std::vector<std::string> input_names() const { return {}; }
  // Of outputs(), after a run: one each, "" where the file has none; empty: it has none at all.
  virtual std::vector<std::string> output_names() const { return {}; }
  // Other files that it reads, by names below the model file's folder.
  virtual std::vector<std::string> other_files() const { return {}; }
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Description describe() const = 0;
  // Errors: unsupported (operator, scheme or device: says which), unavailable, framework_failed.
  virtual Result<std::unique_ptr<Session>> compile(const bundle::Bundle& bundle,
                                                   const CompileOptions& options) = 0;
  // Opens a model file, which may be hostile. Errors: as of compile, and bad_input.
  virtual Result<std::unique_ptr<FileSession>> open_file(const std::string& path,
                                                         const CompileOptions&) {
    return fail(Errc::unsupported, "{}: the engine of {} opens no model files", path,
                describe().framework);
  }
  // Writes the model into `folder`, which is there and empty, as a package that the framework runs
  // without qbench; that the framework can run here is not needed. Gives what a user of the package
  // should know, as an object of texts and numbers. Errors: unsupported (says what), bad_input, io.
  // What a failed one leaves in the folder is removed by who asked for it.
  virtual Result<Json> emit(std::span<const bundle::NamedBundle> /*networks*/,
                            const EmitOptions& /*options*/,
                            const std::filesystem::path& /*folder*/) {
    return fail(Errc::unsupported, "the engine of {} emits no packages", describe().framework);
  }
};

// Each engine's folder defines it; measurement/worker/main.cpp calls it.
std::unique_ptr<Engine> make_engine();

}  // namespace qb::worker
