// What the last bit of a sum does to a network whose activations are rounded to 8 bits: the
// reference against itself with the weights of every norm off by a part in ten million (f32's last
// bit), as another order of sums would leave its results. Tells how many codes fall otherwise, by
// depth.
//
//   bench_rounding_sensitivity BUNDLE_FOLDER DATASET [TOKENS [RELATIVE_CHANGE]]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <vector>

#include "base/rng.h"
#include "compression/bundle/tensor_file.h"
#include "compression/quality/quality.h"
#include "compression/reference/interpreter.h"

namespace {

using namespace qb;

// What each linear reads, as it is rounded.
using Inputs = std::vector<std::vector<float>>;

struct Answer {
  Inputs inputs;
  std::vector<float> logits;
};

struct Text {
  std::vector<int64_t> tokens, positions;
};

// Weights of norms, by parameter.
using Norms = std::map<int32_t, std::vector<float>>;

Norms changed_norms(const bundle::Bundle& bundle, double change) {
  Norms norms;
  Rng rng(1);
  for (const ir::Node& node : bundle.graph().nodes) {
    if (node.op != ir::Op::rms_norm) continue;
    const auto weights = bundle.parameter(node.inputs[1]).f32();
    std::vector<float>& changed = norms[node.inputs[1].index];
    changed.assign(weights.begin(), weights.end());
    for (float& weight : changed)
      weight *= static_cast<float>(1.0 + change * (rng.below(2) == 0 ? -1.0 : 1.0));
  }
  return norms;
}

Result<Answer> answer(const bundle::Bundle& bundle, const Text& text, const Norms& norms) {
  reference::Interpreter interpreter(bundle,
                                     {.context_tokens = static_cast<int64_t>(text.tokens.size())});
  Answer given;
  for (const auto& [index, weights] : norms) interpreter.replace_parameter({index}, weights);
  interpreter.observe([&](const ir::Node& node, std::span<const std::span<const float>> inputs) {
    if (node.op == ir::Op::linear) given.inputs.emplace_back(inputs[0].begin(), inputs[0].end());
  });
  const int64_t token_shape[] = {1, static_cast<int64_t>(text.tokens.size())};
  const int64_t position_shape[] = {static_cast<int64_t>(text.positions.size())};
  const TensorView inputs[] = {{ElementType::i64, token_shape, text.tokens.data()},
                               {ElementType::i64, position_shape, text.positions.data()}};
  QB_CHECK(interpreter.run(inputs, 0));
  const auto logits = interpreter.outputs()[0].f32();
  given.logits.assign(logits.begin(), logits.end());
  return given;
}

// The distance of two neighbouring codes: of rounded values 1/255 of their range, by token 1/127 of
// the largest.
float step_of(std::span<const float> values, bool is_by_token) {
  const auto [low, high] = std::ranges::minmax(values);
  if (is_by_token) return std::max(-low, high) / 127.0f;
  return (std::max(high, 0.0f) - std::min(low, 0.0f)) / 255.0f;
}

// Of values that stand for codes, the share whose codes differ.
double share_of_other_codes(std::span<const float> a, std::span<const float> b, size_t row_size,
                            bool is_by_token) {
  size_t count = 0;
  for (size_t start = 0; start < a.size(); start += row_size) {
    const float half_step = step_of(a.subspan(start, row_size), is_by_token) / 2;
    for (size_t i = start; i < start + row_size; ++i)
      count += std::fabs(a[i] - b[i]) > half_step ? 1 : 0;
  }
  return static_cast<double>(count) / static_cast<double>(a.size());
}

Result<Text> first_tokens(const char* path, size_t count) {
  QB_TRY(const bundle::TensorFile file, bundle::TensorFile::open(path));
  QB_TRY(const TensorView tokens, file.find("tokens", ElementType::i64, 2));
  const auto window = tokens.i64().first(static_cast<size_t>(tokens.shape[1]));
  if (count == 0) return fail(Errc::bad_input, "the number of tokens is no number above 0");
  const auto part = window.first(std::min(count, window.size()));
  Text text = {{part.begin(), part.end()}, std::vector<int64_t>(part.size())};
  std::iota(text.positions.begin(), text.positions.end(), 0);
  return text;
}

// At the first linears, at the fifth layer's first, half way and at the head.
void print_codes(const bundle::Bundle& bundle, const Answer& a, const Answer& b,
                 size_t token_count) {
  const quant::Activations activations = bundle.scheme().activations;
  if (activations == quant::Activations::none) return;
  const bool is_by_token = activations == quant::Activations::by_token;
  std::printf("  codes that differ:");
  for (const size_t at :
       {size_t{0}, size_t{7}, size_t{14}, size_t{35}, a.inputs.size() / 2, a.inputs.size() - 1}) {
    if (at >= a.inputs.size()) continue;
    const size_t size = a.inputs[at].size();
    const double share = share_of_other_codes(a.inputs[at], b.inputs[at],
                                              is_by_token ? size / token_count : size, is_by_token);
    std::printf(" linear %zu %.3g %%", at + 1, 100 * share);
  }
  std::puts("");
}

Result<void> compare(std::span<char*> arguments) {
  QB_TRY(const bundle::Bundle bundle, bundle::load_bundle(arguments[1]));
  QB_TRY(const Text text,
         first_tokens(arguments[2],
                      arguments.size() > 3 ? std::strtoull(arguments[3], nullptr, 10) : 128));
  const double change = arguments.size() > 4 ? std::atof(arguments[4]) : 1e-7;
  QB_TRY(const Answer a, answer(bundle, text, {}));
  QB_TRY(const Answer b, answer(bundle, text, changed_norms(bundle, change)));
  print_codes(bundle, a, b, text.tokens.size());
  quality::DivergenceAccumulator divergence;
  const size_t width = a.logits.size() / text.positions.size();
  for (size_t start = 0; start < a.logits.size(); start += width)
    QB_CHECK(divergence.add(std::span(a.logits).subspan(start, width),
                            std::span(b.logits).subspan(start, width)));
  std::printf("  %s, norms off by %g: KL %.3g nats, agreement %.3f over %zu tokens\n",
              bundle.scheme().name.c_str(), change, divergence.kl_divergence(),
              divergence.top1_agreement(), text.tokens.size());
  return {};
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 3) {
    std::fprintf(stderr,
                 "usage: bench_rounding_sensitivity BUNDLE_FOLDER DATASET [TOKENS [CHANGE]]\n");
    return 2;
  }
  const auto done = compare({arguments, static_cast<size_t>(argument_count)});
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
