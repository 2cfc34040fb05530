// Speed: warm-up, then the timed loop over a language model's generations or a classifier's
// pictures.
#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "base/rng.h"
#include "quality/quality.h"
#include "worker/run.h"
#include "worker/timed_loop.h"

namespace qb::worker {
namespace {

constexpr size_t sample_capacity = 1'000'000;
constexpr int64_t picture_count = 4;  // different inputs, in turn, so that no answer can be kept

std::vector<int64_t> with_room() {
  std::vector<int64_t> samples;
  samples.reserve(sample_capacity);
  return samples;
}

Result<void> check_outputs(const Session& session, const Send& send) {
  const auto logits = session.outputs()[0].f32();
  for (const float logit : logits)
    if (!std::isfinite(logit))
      return fail(Errc::framework_failed, "the first run gave a logit that isn't finite");
  send(wire::Fact{"output_hash", hash_of(std::as_bytes(logits))});
  return {};
}

// Prefill of a prompt, then greedy decoding, one token a step.
class Generation {
 public:
  Generation(const ir::Graph& graph, const wire::Request& request)
      : workload_(request.workload),
        vocabulary_(graph[graph.outputs[0]].shape[2].extent),
        prompt_(static_cast<size_t>(workload_.batch * workload_.prompt_tokens)),
        next_(static_cast<size_t>(workload_.batch)) {
    Rng rng(derive_seed(request.seed, "prompt"));
    for (int64_t& token : prompt_)
      token = static_cast<int64_t>(rng.below(static_cast<uint64_t>(vocabulary_)));
  }

  Result<void> prefill(Session& session) {
    const int64_t last = workload_.prompt_tokens - 1;
    return step(session, prompt_, workload_.prompt_tokens, last, 0);
  }
  Result<void> decode(Session& session, int64_t past_tokens) {
    return step(session, next_, 1, 0, past_tokens);
  }
  // The likeliest next token of each sequence.
  void choose(const Session& session) {
    const auto logits = session.outputs()[0].f32();
    for (size_t i = 0; i < next_.size(); ++i)
      next_[i] = quality::argmax(
          logits.subspan(i * static_cast<size_t>(vocabulary_), static_cast<size_t>(vocabulary_)));
  }

  std::vector<int64_t> prefill_ns = with_room();
  std::vector<int64_t> first_token_ns = with_room();
  std::vector<int64_t> decode_ns = with_room();

  // One generation, timed step by step.
  Result<void> run(Session& session) {
    QB_CHECK(timed(
        [&] {
          Result<void> done = timed([&] { return prefill(session); }, prefill_ns);
          if (done) choose(session);
          return done;
        },
        first_token_ns));
    for (int64_t i = 1; i < workload_.generated_tokens; ++i) {
      QB_CHECK(timed([&] { return decode(session, workload_.prompt_tokens + i - 1); }, decode_ns));
      choose(session);
    }
    return {};
  }
  void clear() {
    prefill_ns.clear();
    first_token_ns.clear();
    decode_ns.clear();
  }

 private:
  Result<void> step(Session& session, const std::vector<int64_t>& tokens, int64_t count,
                    int64_t position, int64_t past_tokens) {
    const int64_t token_shape[] = {workload_.batch, count};
    const int64_t position_shape[] = {1};
    const TensorView inputs[] = {{ElementType::i64, token_shape, tokens.data()},
                                 {ElementType::i64, position_shape, &position}};
    return session.run({inputs, past_tokens});
  }

  Workload workload_;
  int64_t vocabulary_;
  std::vector<int64_t> prompt_;
  std::vector<int64_t> next_;
};

LoopLimits warmup_limits(const wire::Limits& limits) {
  return {.count_min = limits.warmup_count_min,
          .duration_ns_min = limits.warmup_duration_ns_min,
          .duration_ns_max = limits.duration_ns_max};
}
LoopLimits timed_limits(const wire::Limits& limits) {
  return {.count_min = limits.iteration_count_min,
          .duration_ns_min = limits.duration_ns_min,
          .duration_ns_max = limits.duration_ns_max};
}

Result<void> measure_generation(const bundle::Bundle& bundle, Session& session,
                                const wire::Request& request, const Send& send) {
  if (request.workload.prompt_tokens < 1 || request.workload.generated_tokens < 1)
    return fail(Errc::bad_input, "a language model needs prompt_tokens and generated_tokens");
  Generation generation(bundle.graph(), request);
  send(wire::PhaseStarted{"first_run"});
  std::vector<int64_t> first_run;
  QB_CHECK(timed([&] { return generation.prefill(session); }, first_run));
  send(SampleSeries{"first_run", first_run});
  QB_CHECK(check_outputs(session, send));
  send(wire::PhaseStarted{"warm_up"});
  if (request.limits.warmup_count_min > 0)
    QB_CHECK(
        repeat(warmup_limits(request.limits), [&](int64_t) { return generation.run(session); }));
  generation.clear();
  send(wire::PhaseStarted{"measure"});
  LoopLimits limits = timed_limits(request.limits);
  limits.count_max = std::max<int64_t>(
      1, static_cast<int64_t>(sample_capacity) / request.workload.generated_tokens);
  QB_CHECK(repeat(limits, [&](int64_t) { return generation.run(session); }));
  send(SampleSeries{"prefill", generation.prefill_ns});
  send(SampleSeries{"time_to_first_token", generation.first_token_ns});
  if (!generation.decode_ns.empty()) send(SampleSeries{"decode", generation.decode_ns});
  return {};
}

Result<void> measure_inference(const bundle::Bundle& bundle, Session& session,
                               const wire::Request& request, const Send& send) {
  const ir::Graph& graph = bundle.graph();
  const std::vector<int64_t> shape = ir::bind(graph[graph.of_kind(ir::ValueKind::input)[0]].shape,
                                              {.batch = request.workload.batch});
  const size_t size = element_count(shape);
  std::vector<float> pictures(size * picture_count);
  Rng rng(derive_seed(request.seed, "pictures"));
  for (float& value : pictures) value = static_cast<float>(2.0 * rng.uniform() - 1.0);
  const auto infer = [&](int64_t i) {
    const TensorView input = {ElementType::f32, shape,
                              pictures.data() + static_cast<size_t>(i % picture_count) * size};
    return session.run({{&input, 1}, 0});
  };
  std::vector<int64_t> samples = with_room();
  send(wire::PhaseStarted{"first_run"});
  QB_CHECK(timed([&] { return infer(0); }, samples));
  send(SampleSeries{"first_run", samples});
  QB_CHECK(check_outputs(session, send));
  send(wire::PhaseStarted{"warm_up"});
  if (request.limits.warmup_count_min > 0) QB_CHECK(repeat(warmup_limits(request.limits), infer));
  samples.clear();
  send(wire::PhaseStarted{"measure"});
  QB_CHECK(repeat(timed_limits(request.limits),
                  [&](int64_t i) { return timed([&] { return infer(i); }, samples); }));
  send(SampleSeries{"inference", samples});
  return {};
}

}  // namespace

Result<void> measure_speed(const bundle::Bundle& bundle, Session& session,
                           const wire::Request& request, const Send& send) {
  return is_language_model(bundle.graph()) ? measure_generation(bundle, session, request, send)
                                           : measure_inference(bundle, session, request, send);
}

}  // namespace qb::worker
