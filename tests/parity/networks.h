// Networks, weights and inputs that the parity tests of each engine share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "compression/bundle/bundle.h"
#include "compression/quant/scheme.h"
#include "measurement/worker/engine.h"
#include "network/ir/builder.h"
#include "network/ir/inputs.h"

namespace qb::parity {

// The engine that this program is linked with.
worker::Engine& engine();

// Normal values by the parameter's name, scaled by its fan-in; variances are positive.
Result<void> seeded(const ir::ValueInfo& info, std::span<float> out);

// The bundle of the scheme, in a folder that goes when the program ends; calibrated on seeded
// values where the scheme wants that. Errors: as of compress::build_bundle.
Result<bundle::Bundle> build(const ir::Graph& graph, const quant::Scheme& scheme,
                             const bundle::ParameterSource& source = seeded);
bundle::Bundle bundle_of(const ir::Graph& graph, const quant::Scheme& scheme);

// The inputs of one step, with their memory.
struct Step {
  int64_t past_tokens = 0;
  std::vector<std::vector<float>> reals;
  std::vector<std::vector<int64_t>> integers;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<TensorView> tensors;
};
Step step_of(const ir::Graph& graph, const ir::Extents& extents, int64_t past_tokens, Rng& rng);

// Infinite where the two have other sizes.
double relative_rms(std::span<const float> wanted, std::span<const float> got);

bool uses(const ir::Graph& graph, ir::Op op);

struct Situation {
  std::string name;
  ir::Graph graph;
  std::vector<int64_t> step_tokens = {1};  // tokens of each step
};

// A network of what `build` gives, its only output.
Situation situation(std::string name, const std::function<ir::Value(ir::Builder&)>& build,
                    std::vector<int64_t> steps = {1});
ir::Value tokens_input(ir::Builder& b);
ir::Value vector_input(ir::Builder& b, int64_t width);
ir::Value picture_input(ir::Builder& b, int64_t channels);
ir::Value attention(ir::Builder& b, double theta);

// Every operator, several of them together, and a whole model.
std::vector<Situation> situations();

// Blocks of encoders and of convolutional networks, for situations().
void add_blocks(std::vector<Situation>& all);

// What differs by an operator's attributes, and operators that no scheme touches.
std::vector<Situation> variants();

// A part of what the engine says to a step that its attention doesn't take; empty: it takes it.
std::string_view refusal_of_step(const ir::Graph& graph, int64_t batch, int64_t token_count,
                                 int64_t past_tokens);

// What an engine may refuse, and why: anything else that it refuses is a kernel that got lost.
enum class Refused : uint8_t {
  scheme,        // all networks in it, and describe() doesn't offer it
  weights,       // those with a weight stored as such; describe() doesn't offer the scheme
  convolutions,  // those with a convolution whose weight is stored as such blocks
  f32_results,   // those with a convolution that reads 8-bit activations and gives none
};
struct Refusal {
  std::string_view framework;
  std::string_view format;  // base scheme; "8-bit activations": all that round them; "tables"
  Refused what;
  std::string_view reason;  // a part of the message
  // A kernel of describe()'s facts: the row holds only where it is absent.
  std::string_view without = {};
};
// All of this engine.
std::vector<const Refusal*> refusals();
// Null: the engine must take the bundle.
const Refusal* find_refusal(const bundle::Bundle& bundle);
// Null: the engine must offer the scheme.
const Refusal* find_refusal(const quant::Scheme& scheme);

}  // namespace qb::parity
