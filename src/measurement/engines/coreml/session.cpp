#include "measurement/engines/coreml/session.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/file.h"
#include "base/float16.h"
#include "base/hash.h"
#include "base/paths.h"
#include "measurement/engines/coreml/lowering.h"
#include "measurement/engines/coreml/shares.h"
#include "measurement/lowering/notes.h"
#include "network/ir/inputs.h"

namespace qb::coreml {
namespace fs = std::filesystem;

// A package of one function and what it is loaded as.
struct CoreMlSession::Program {
  ir::Extents extents;
  fs::path folder;
  Json notes;
  std::optional<Model> model;
  bool was_compiled = false;  // by this session: what it was loaded with was cold
  int64_t compile_ns = 0, cold_load_ns = 0, warm_load_ns = 0;
  std::vector<std::vector<std::byte>> input_bytes, output_bytes;
  std::vector<Array> inputs, outputs;
};

namespace {

std::vector<int64_t> key_of(const ir::Extents& extents) {
  std::vector<int64_t> key;
  for (const ir::SymbolRow& row : ir::symbols()) key.push_back(extents.of(row.symbol));
  return key;
}

void convert(const TensorView& from, Type type, std::vector<std::byte>& to) {
  if (type == Type::i32) {
    auto* out = reinterpret_cast<int32_t*>(to.data());
    for (const int64_t value : from.i64()) *out++ = static_cast<int32_t>(value);
  } else if (type == Type::f16) {
    auto* out = reinterpret_cast<uint16_t*>(to.data());
    for (const float value : from.f32()) *out++ = float_to_fp16(value);
  } else {
    std::ranges::copy(from.bytes(), to.begin());
  }
}

void add_array(std::vector<Array>& arrays, std::vector<std::vector<std::byte>>& memory,
               std::string name, Type type, const Shape& shape) {
  const auto count = static_cast<size_t>(element_count(shape));
  memory.emplace_back(count * row_of(type).bits / 8);
  arrays.push_back({std::move(name), type, shape, memory.back().data()});
}

}  // namespace

CoreMlSession::CoreMlSession(const bundle::Bundle& bundle, const worker::CompileOptions& options,
                             const Target& target, Units units)
    : bundle_(bundle), options_(options), target_(target), units_(units) {}

CoreMlSession::~CoreMlSession() {
  programs_.clear();
  std::error_code ignored;
  if (is_temporary_) fs::remove_all(root_, ignored);
}

Result<std::unique_ptr<CoreMlSession>> CoreMlSession::make(const bundle::Bundle& bundle,
                                                           const worker::CompileOptions& options,
                                                           const Target& target, Units units) {
  std::unique_ptr<CoreMlSession> session(new CoreMlSession(bundle, options, target, units));
  session->is_temporary_ = bundle.content_hash().empty();  // a sample: on no disk, so not kept
  if (session->is_temporary_) {
    static int count = 0;
    session->root_ =
        fs::temp_directory_path() / fmt::format("qb_coreml_{}_{}", ::getpid(), count++);
  } else {
    QB_TRY(const fs::path cache, cache_folder());
    session->root_ = cache / "coreml";
  }
  QB_TRY(session->current_, session->program_for(worker::extents_of(options)));
  return session;
}

// Core ML keeps what it specialises for a path: what may change the package is in its name.
fs::path CoreMlSession::folder_of(const ir::Extents& extents) const {
  Hasher hasher;
  hasher.update(fmt::format("{} {} {}", bundle_.content_hash(), target_.row.name,
                            static_cast<int>(target_.compute)));
  for (const int64_t extent : key_of(extents)) hasher.update(fmt::format(" {}", extent));
  return root_ / hasher.hex();
}

Result<CoreMlSession::Program*> CoreMlSession::program_for(const ir::Extents& extents) {
  std::unique_ptr<Program>& program = programs_[key_of(extents)];
  if (program) return program.get();
  auto made = std::make_unique<Program>();
  made->extents = extents;
  made->folder = folder_of(extents);
  QB_CHECK(write(*made));
  program = std::move(made);
  return program.get();
}

Result<void> CoreMlSession::write(Program& program) {
  std::error_code ignored;
  fs::remove_all(program.folder / "network.mlpackage", ignored);
  QB_TRY(program.notes, write_network(bundle_, target_, {{"main", program.extents}},
                                      program.folder / "network.mlpackage"));
  const ir::Graph& graph = bundle_.graph();
  for (const ir::Value value : graph.of_kind(ir::ValueKind::input))
    add_array(program.inputs, program.input_bytes, identifier(graph[value].name),
              graph[value].type == ElementType::i64 ? Type::i32 : target_.compute,
              ir::bind(graph[value].shape, program.extents));
  if (!state_names().empty())
    add_array(program.inputs, program.input_bytes, past_input, Type::i32, {1});
  for (size_t i = 0; i < graph.outputs.size(); ++i)
    add_array(program.outputs, program.output_bytes, output_name(graph, i), target_.compute,
              ir::bind(graph[graph.outputs[i]].shape, program.extents));
  return {};
}

// The manifest's identifiers are hashes of the model, so another model is compiled anew. The first
// load of a newly compiled model specialises it, which may take minutes; the next is what a user
// waits for each time.
Result<void> CoreMlSession::load(Program& program) {
  if (program.model) return {};
  const fs::path compiled = program.folder / "network.mlmodelc";
  QB_TRY(const std::string hash,
         hash_of_file(program.folder / "network.mlpackage" / "Manifest.json"));
  const Result<std::string> known = read_file(program.folder / "compiled_from");
  if (!known || *known != hash || !fs::exists(compiled)) {
    std::error_code ignored;
    fs::remove_all(compiled, ignored);
    const int64_t start = now_ns();
    QB_CHECK(compile_package(program.folder / "network.mlpackage", compiled));
    program.compile_ns = now_ns() - start;
    const int64_t compiled_at = now_ns();
    QB_CHECK(Model::load(compiled, units_));
    program.cold_load_ns = now_ns() - compiled_at;
    program.was_compiled = true;
    QB_CHECK(write_file_atomically(program.folder / "compiled_from", hash));
  }
  const int64_t start = now_ns();
  QB_TRY(program.model, Model::load(compiled, units_));
  program.warm_load_ns = now_ns() - start;
  if (!state_names().empty()) QB_CHECK(program.model->make_state());
  return program.model->bind(program.inputs, program.outputs);
}

// A step whose shapes nobody knows yet is loaded when it is staged.
Result<void> CoreMlSession::load() {
  const bool has_states = !state_names().empty();
  const ir::Graph& graph = bundle_.graph();
  for (const ir::Value input : graph.of_kind(ir::ValueKind::input))
    for (const ir::Dim& dim : graph[input].shape)
      if (!has_states && !dim.is_fixed() && dim.symbol != ir::Symbol::batch) return {};
  return load(*current_);
}

std::vector<std::string> CoreMlSession::state_names() const {
  std::vector<std::string> names;
  for (const ir::Value value : bundle_.graph().of_kind(ir::ValueKind::state))
    names.push_back(identifier(bundle_.graph()[value].name));
  return names;
}

Result<void> CoreMlSession::fill(Program& program, const worker::StepInputs& inputs) {
  for (size_t i = 0; i < inputs.tensors.size(); ++i)
    convert(inputs.tensors[i], program.inputs[i].type, program.input_bytes[i]);
  if (program.inputs.size() > inputs.tensors.size())
    *static_cast<int32_t*>(program.inputs.back().data) = static_cast<int32_t>(inputs.past_tokens);
  return {};
}

Result<void> CoreMlSession::stage(const worker::StepInputs& inputs) {
  QB_TRY(const ir::Extents extents,
         ir::extents_of(bundle_.graph(), inputs.tensors, worker::extents_of(options_),
                        inputs.past_tokens));
  QB_TRY(Program* const program, program_for(extents));
  QB_CHECK(load(*program));
  const std::vector<std::string> states = state_names();
  if (program != current_ && current_->model && !states.empty())
    QB_CHECK(program->model->take_state(*current_->model, states));
  current_ = program;
  QB_CHECK(fill(*program, inputs));
  is_staged_ = true;
  return {};
}

Result<void> CoreMlSession::run(const worker::StepInputs& inputs) {
  if (!is_staged_) QB_CHECK(stage(inputs));
  is_staged_ = false;
  has_floats_ = false;
  return current_->model->predict();
}

std::span<const TensorView> CoreMlSession::outputs() const {
  if (has_floats_) return views_;
  floats_.clear();
  views_.clear();
  for (const Array& output : current_->outputs) {
    std::vector<float>& floats = floats_.emplace_back();
    const auto count = static_cast<size_t>(element_count(output.shape));
    if (output.type == Type::f16) {
      const auto* halves = static_cast<const uint16_t*>(output.data);
      floats.resize(count);
      std::transform(halves, halves + count, floats.begin(), fp16_to_float);
    } else {
      const auto* values = static_cast<const float*>(output.data);
      floats.assign(values, values + count);
    }
  }
  for (size_t i = 0; i < floats_.size(); ++i)
    views_.push_back({ElementType::f32, current_->outputs[i].shape, floats_[i].data()});
  has_floats_ = true;
  return views_;
}

Json CoreMlSession::actual() const {
  Json actual = Json::object(
      {{"device", "not known"},
       {"units", units_rows[static_cast<size_t>(units_)].device},
       {"compute_type", fmt::format("{}; {}", target_.compute == Type::f16 ? "in f16" : "f32",
                                    lowering::describe_computing(current_->notes["kernels"]))},
       {"functions_loaded", static_cast<int64_t>(programs_.size())}});
  if (!current_->model) return actual;
  Json::Array loads;
  for (const auto& [key, program] : programs_) {
    if (!program->model) continue;
    Json load =
        Json::object({{"path", program->folder.string()}, {"warm_ns", program->warm_load_ns}});
    if (program->was_compiled)
      load.set("compile_ns", program->compile_ns).set("cold_ns", program->cold_load_ns);
    loads.push_back(std::move(load));
  }
  actual.set("loads", std::move(loads));
  const auto plan = current_->model->plan();
  if (!plan) return actual.set("plan", "not known: " + plan.error().message);
  const std::vector<UnitShare> shares = shares_of(*plan);
  std::string device;
  for (const UnitShare& share : shares)
    device +=
        fmt::format("{}{} {:.0f} %", device.empty() ? "" : ", ", share.unit, 100.0 * share.cost);
  return actual.set("device", device).set("plan", "by Core ML's estimated cost of each operation");
}

}  // namespace qb::coreml
