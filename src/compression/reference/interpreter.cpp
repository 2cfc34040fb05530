#include "compression/reference/interpreter.h"

#include <algorithm>

#include "compression/reference/kernels.h"
#include "network/ir/inputs.h"

namespace qb::reference {
struct Interpreter::State {
  const bundle::Bundle* bundle = nullptr;
  const ir::Graph* graph = nullptr;
  Observer observer;
  ir::Extents extents;
  std::vector<Array> arrays;               // by value
  std::vector<std::vector<float>> memory;  // by value; empty where it is owned elsewhere
  std::vector<int32_t> last_use;           // by value: index of the last node that reads it
  std::vector<std::vector<int64_t>> output_shapes;
  std::vector<TensorView> outputs;
  bool decodes_late = false;

  void bind_parameter(ir::Value value);
  void decode_parameter(ir::Value value);
  void decode_late(const ir::Node& node);
  void let_go(int32_t index);
  void bind_states();
  void find_last_uses();
  void collect_inputs(const ir::Node& node, std::vector<Array>& inputs,
                      std::vector<float>& rounded) const;
  void round_measured(ir::Value value, std::span<float> values) const;
  Result<void> run_node(int32_t index, int64_t past_tokens);
};

void Interpreter::State::bind_parameter(ir::Value value) {
  const auto index = static_cast<size_t>(value.index);
  const bundle::Parameter& parameter = bundle->parameter(value);
  arrays[index].shape = parameter.shape;
  if (parameter.encoding == bundle::Encoding::f32) {
    arrays[index].values = parameter.f32();
    return;
  }
  if (!decodes_late) decode_parameter(value);
}

void Interpreter::State::decode_parameter(ir::Value value) {
  const auto index = static_cast<size_t>(value.index);
  const bundle::Parameter& parameter = bundle->parameter(value);
  memory[index].resize(element_count(parameter.shape));
  bundle::decode_f32(parameter, memory[index]);
  arrays[index].values = memory[index];
}

void Interpreter::State::decode_late(const ir::Node& node) {
  for (const ir::Value input : node.inputs)
    if ((*graph)[input].kind == ir::ValueKind::parameter &&
        arrays[static_cast<size_t>(input.index)].values.empty())
      decode_parameter(input);
}

// What nothing reads after the node; of parameters, what decode_late() made.
void Interpreter::State::let_go(int32_t index) {
  for (const ir::Value input : graph->nodes[static_cast<size_t>(index)].inputs) {
    const auto i = static_cast<size_t>(input.index);
    const ir::ValueKind kind = (*graph)[input].kind;
    const bool is_decoded = decodes_late && kind == ir::ValueKind::parameter && !memory[i].empty();
    if (last_use[i] != index || (kind != ir::ValueKind::node && !is_decoded)) continue;
    std::vector<float>().swap(memory[i]);
    if (is_decoded) arrays[i].values = {};
  }
}

void Interpreter::State::bind_states() {
  for (const ir::Value value : graph->of_kind(ir::ValueKind::state)) {
    const auto index = static_cast<size_t>(value.index);
    arrays[index].shape = ir::bind((*graph)[value].shape, extents);
    memory[index].assign(element_count(arrays[index].shape), 0.0f);
    arrays[index].values = memory[index];
  }
}

void Interpreter::State::find_last_uses() {
  last_use.assign(graph->values.size(), -1);
  for (size_t i = 0; i < graph->nodes.size(); ++i)
    for (const ir::Value input : graph->nodes[i].inputs)
      last_use[static_cast<size_t>(input.index)] = static_cast<int32_t>(i);
  for (const ir::Value output : graph->outputs)
    last_use[static_cast<size_t>(output.index)] = static_cast<int32_t>(graph->nodes.size());
}

// `rounded` holds the copy of an input that is rounded for this node alone.
void Interpreter::State::collect_inputs(const ir::Node& node, std::vector<Array>& inputs,
                                        std::vector<float>& rounded) const {
  for (const ir::Value input : node.inputs)
    inputs.push_back(arrays[static_cast<size_t>(input.index)]);
  const bool is_product = node.op == ir::Op::linear || node.op == ir::Op::conv2d;
  const quant::Activations mode = bundle->activation(node.inputs[0]).mode;
  const bool is_on_run = mode == quant::Activations::on_run || mode == quant::Activations::by_token;
  if (!is_product || !is_on_run) return;
  if (bundle->parameter(node.inputs[1]).encoding != bundle::Encoding::packed) return;
  rounded.assign(inputs[0].values.begin(), inputs[0].values.end());
  if (mode == quant::Activations::by_token)
    quant::round_tokens(rounded, static_cast<size_t>(inputs[0].last()));
  else
    quant::round_activations(quant::fit_activation(rounded), rounded);
  inputs[0].values = rounded;
}

void Interpreter::State::round_measured(ir::Value value, std::span<float> values) const {
  const bundle::Activation activation = bundle->activation(value);
  if (activation.mode == quant::Activations::measured)
    quant::round_activations(activation.fit, values);
}

Result<void> Interpreter::State::run_node(int32_t index, int64_t past_tokens) {
  const ir::Node& node = graph->nodes[static_cast<size_t>(index)];
  if (decodes_late) decode_late(node);
  std::vector<Array> inputs;
  std::vector<float> rounded;
  collect_inputs(node, inputs, rounded);
  std::vector<std::span<float>> states;
  for (const ir::Value input : node.inputs)
    if ((*graph)[input].kind == ir::ValueKind::state)
      states.emplace_back(memory[static_cast<size_t>(input.index)]);
  if (observer) {
    std::vector<std::span<const float>> seen;
    for (const Array& input : inputs) seen.push_back(input.values);
    observer(node, seen);
  }
  const auto out = static_cast<size_t>(node.output.index);
  arrays[out].shape = ir::bind((*graph)[node.output].shape, extents);
  memory[out].resize(element_count(arrays[out].shape));
  arrays[out].values = memory[out];
  QB_CHECK(with_context(
      kernel_of(node.op)({inputs, node.attributes, past_tokens, states, arrays[out], memory[out]}),
      (*graph)[node.output].name));
  round_measured(node.output, memory[out]);
  let_go(index);
  return {};
}

Interpreter::Interpreter(const bundle::Bundle& bundle, const Options& options)
    : state_(std::make_unique<State>()) {
  state_->bundle = &bundle;
  state_->graph = &bundle.graph();
  state_->decodes_late = options.decodes_late;
  state_->extents = {{ir::Symbol::batch, options.batch},
                     {ir::Symbol::context, options.context_tokens}};
  state_->arrays.resize(bundle.graph().values.size());
  state_->memory.resize(bundle.graph().values.size());
  for (const ir::Value value : bundle.graph().of_kind(ir::ValueKind::parameter))
    state_->bind_parameter(value);
  state_->bind_states();
  state_->find_last_uses();
}

Interpreter::~Interpreter() = default;
Interpreter::Interpreter(Interpreter&&) noexcept = default;

Result<void> Interpreter::run(std::span<const TensorView> inputs, int64_t past_tokens) {
  State& state = *state_;
  const std::vector<ir::Value> wanted = state.graph->of_kind(ir::ValueKind::input);
  QB_TRY(state.extents, ir::extents_of(*state.graph, inputs, state.extents, past_tokens));
  for (size_t i = 0; i < inputs.size(); ++i) {
    Array& array = state.arrays[static_cast<size_t>(wanted[i].index)];
    array.shape.assign(inputs[i].shape.begin(), inputs[i].shape.end());
    if (inputs[i].type == ElementType::f32) {
      std::vector<float>& values = state.memory[static_cast<size_t>(wanted[i].index)];
      values.assign(inputs[i].f32().begin(), inputs[i].f32().end());
      state.round_measured(wanted[i], values);
      array.values = values;
    } else {
      array.integers = inputs[i].i64();
    }
  }
  for (size_t i = 0; i < state.graph->nodes.size(); ++i)
    QB_CHECK(state.run_node(static_cast<int32_t>(i), past_tokens));
  state.output_shapes.clear();
  state.outputs.clear();
  for (const ir::Value output : state.graph->outputs)
    state.output_shapes.push_back(state.arrays[static_cast<size_t>(output.index)].shape);
  for (size_t i = 0; i < state.graph->outputs.size(); ++i)
    state.outputs.push_back(
        {.type = ElementType::f32,
         .shape = state.output_shapes[i],
         .data = state.memory[static_cast<size_t>(state.graph->outputs[i].index)].data()});
  return {};
}

std::span<const TensorView> Interpreter::outputs() const { return state_->outputs; }

void Interpreter::observe(Observer observer) { state_->observer = std::move(observer); }

void Interpreter::replace_parameter(ir::Value parameter, std::span<const float> values) {
  if (values.empty())
    state_->bind_parameter(parameter);
  else
    state_->arrays[static_cast<size_t>(parameter.index)].values = values;
}

}  // namespace qb::reference
