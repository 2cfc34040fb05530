#include "measurement/engines/mlx/session.h"

#include <utility>

#include "measurement/engines/mlx/blas.h"
#include "measurement/engines/mlx/failure.h"
#include "measurement/lowering/notes.h"
#include "network/ir/inputs.h"

namespace qb::mlx {
namespace {

// How many entries an integer input chooses from: rows of a table, or tokens of the step. Empty: it
// chooses none, but hides some.
std::optional<int64_t> index_limit(const ir::Graph& graph, ir::Value input,
                                   const ir::Extents& extents) {
  for (const ir::Node& node : graph.nodes) {
    if (node.op == ir::Op::embedding && node.inputs[0] == input)
      return graph[node.inputs[1]].shape[0].extent;
    const bool is_choosing = node.op == ir::Op::select_positions || node.op == ir::Op::pick_tokens;
    if (is_choosing && node.inputs.size() > 1 && node.inputs[1] == input)
      return ir::bind(graph[node.inputs[0]].shape, extents)[1];
  }
  return {};
}

// MLX reads wherever an index points.
Result<void> check_indices(const ir::Graph& graph, const worker::StepInputs& inputs,
                           const ir::Extents& extents) {
  const auto values = graph.of_kind(ir::ValueKind::input);
  for (size_t i = 0; i < values.size(); ++i) {
    if (graph[values[i]].type != ElementType::i64) continue;
    const std::optional<int64_t> limit = index_limit(graph, values[i], extents);
    for (const int64_t index : limit ? inputs.tensors[i].i64() : std::span<const int64_t>())
      if (index < 0 || index >= *limit)
        return fail(Errc::bad_input, "{} holds {}, which is outside [0, {})", graph[values[i]].name,
                    index, *limit);
  }
  return {};
}

mx::array array_of(const TensorView& tensor) {
  const mx::Shape shape = shape_of(tensor.shape);
  if (tensor.type == ElementType::i64)
    return mx::array(static_cast<const int64_t*>(tensor.data), shape, mx::int64);
  return mx::array(static_cast<const float*>(tensor.data), shape, mx::float32);
}

std::vector<mx::array> contiguous(std::vector<mx::array> arrays) {
  for (mx::array& array : arrays) array = mx::contiguous(array);
  return arrays;
}

}  // namespace

MlxSession::MlxSession(const bundle::Bundle& bundle, const worker::CompileOptions& options,
                       Lowering& lowering, Program program)
    : graph_(bundle.graph()),
      options_(options),
      program_(std::move(program)),
      compute_type_(lowering.compute_type()),
      input_slots_(lowering.slots_of(graph_.of_kind(ir::ValueKind::input))),
      output_slots_(lowering.slots_of(graph_.outputs)),
      stream_count_(lowering.streams().size()),
      notes_(lowering.notes()),
      transformations_(lowering::describe(bundle, lowering.transformations())),
      kernels_(lowering.kernels()) {
  if (options.device == "cpu") blas_thread_count_ = set_blas_threads(options.thread_count);
  first_slots_.assign(lowering.slot_count(), mx::array(0.0f));
  for (const auto& [slot, array] : lowering.constants()) first_slots_[slot] = array;
  for (const ir::Value state : graph_.of_kind(ir::ValueKind::state))
    states_.push_back(mx::zeros(
        shape_of(ir::bind(graph_[state].shape, worker::extents_of(options))), compute_type_));
  mx::eval(states_);
  if (lowering.fuses() && lowering.is_static())
    compiled_ = mx::compile([this](const Arrays& step_inputs) {
      Arrays no_states;
      return contiguous(build_step(step_inputs, no_states, 0));
    });
}

mx::array MlxSession::to_program(const mx::array& input) const {
  if (input.dtype() == mx::int64) return input;
  const mx::array x = mx::astype(input, compute_type_);
  return x.ndim() == 4 ? mx::transpose(x, {0, 2, 3, 1}) : x;
}

MlxSession::Arrays MlxSession::answer(const Arrays& inputs) const {
  Arrays arrays;
  for (const mx::array& input : inputs) arrays.push_back(to_program(input));
  Arrays no_states;
  return build_step(arrays, no_states, 0);
}

// The frame dies here: nothing but MLX's own graph then holds what lies between inputs and outputs,
// so that memory is reused while the step is evaluated, and caches are written in place.
MlxSession::Arrays MlxSession::build_step(const Arrays& inputs, Arrays& states,
                                          int64_t past_tokens) const {
  Frame frame = {first_slots_, states, past_tokens};
  for (size_t i = 0; i < input_slots_.size(); ++i) frame.slots[input_slots_[i]] = inputs[i];
  program_.run(frame);
  std::vector<mx::array> results;
  for (const Slot slot : output_slots_) {
    const mx::array& y = frame.slots[slot];
    const bool is_picture = y.ndim() == 4;
    results.push_back(mx::astype(is_picture ? mx::transpose(y, {0, 3, 1, 2}) : y, mx::float32));
  }
  return results;
}

Result<void> MlxSession::stage(const worker::StepInputs& inputs) try {
  QB_TRY(const ir::Extents extents,
         ir::extents_of(graph_, inputs.tensors, worker::extents_of(options_), inputs.past_tokens));
  QB_CHECK(check_indices(graph_, inputs, extents));
  Arrays arrays;
  for (const TensorView& tensor : inputs.tensors)
    arrays.push_back(mx::contiguous(to_program(array_of(tensor))));
  mx::eval(arrays);
  mx::synchronize();
  staged_ = std::move(arrays);
  return {};
} catch (const std::exception& error) {
  return failure(error);
}

// A step with caches is built anew each time and not by mx::compile: the number of past tokens is
// part of it, so each token would be compiled.
Result<void> MlxSession::run(const worker::StepInputs& inputs) try {
  if (!staged_) QB_CHECK(stage(inputs));
  const Arrays arrays = *std::exchange(staged_, std::nullopt);
  results_.clear();
  results_ =
      compiled_ ? compiled_(arrays) : contiguous(build_step(arrays, states_, inputs.past_tokens));
  std::vector<mx::array> wanted = results_;
  wanted.insert(wanted.end(), states_.begin(), states_.end());
  mx::eval(std::move(wanted));
  mx::synchronize();
  show_outputs();
  return {};
} catch (const std::exception& error) {
  return failure(error);
}

void MlxSession::show_outputs() {
  outputs_.clear();
  output_shapes_.clear();
  for (const mx::array& result : results_) output_shapes_.push_back(extents_of(result));
  for (size_t i = 0; i < results_.size(); ++i)
    outputs_.push_back({ElementType::f32, output_shapes_[i], results_[i].data<float>()});
}

Json MlxSession::actual() const {
  Json kernels = Json::object({});
  for (const auto& [name, count] : kernels_) kernels.set(name, count);
  Json actual = Json::object({{"device", options_.device},
                              {"compute_type", lowering::describe_computing(notes_)},
                              {"kernels", std::move(kernels)},
                              {"transformations", transformations_},
                              {"compiled", compiled_ != nullptr}});
  if (options_.device == "cpu")
    actual.set("blas", to_json(find_blas()))
        .set("thread_count", options_.thread_count)
        .set("threads", fmt::format("quantized products {}, BLAS {}, MLX's other kernels 1",
                                    stream_count_, blas_thread_count_));
  return actual;
}

}  // namespace qb::mlx
