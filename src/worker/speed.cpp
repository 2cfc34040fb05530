// Speed: a language model's generations or a classifier's pictures, repeated until steady; then an
// audit that no answer was kept from an earlier run.
#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "base/rng.h"
#include "quality/quality.h"
#include "stats/stats.h"
#include "worker/arrivals.h"
#include "worker/run.h"
#include "worker/steps.h"

namespace qb::worker {
namespace {

Result<std::string> hash_of_logits(const Session& session) {
  const auto logits = session.outputs()[0].f32();
  if (!quality::are_finite(logits))
    return fail(Errc::framework_failed, "a run gave a logit that isn't finite");
  return hash_of(std::as_bytes(logits));
}

// Prefill of a prompt, then greedy decoding, one token a step.
class Generation {
 public:
  Generation(const ir::Graph& graph, const wire::Request& request)
      : workload_(request.workload),
        vocabulary_(graph[graph.outputs[0]].shape[2].extent),
        rng_(derive_seed(request.seed, "prompt")),
        next_(static_cast<size_t>(workload_.batch)) {
    for (std::vector<int64_t>& prompt : prompts_) draw(prompt, workload_.prompt_tokens);
    draw(context_, workload_.depth_tokens);
  }
  // A prompt that no run has seen; gives its prefill.
  auto fresh_prefill(Session& session) {
    draw(fresh_prompt_, workload_.prompt_tokens);
    return [this, &session] { return prefill(session, fresh_prompt_); };
  }

  // The context before the prompt; later prompts overwrite what comes after it only.
  Result<void> fill_context(Session& session) {
    if (workload_.depth_tokens == 0) return {};
    return step(session, context_, workload_.depth_tokens, workload_.depth_tokens - 1, 0);
  }
  Result<void> prefill(Session& session, int64_t number) {
    return prefill(session, prompts_[number % input_count]);
  }
  Result<void> decode(Session& session, int64_t position) {
    return step(session, next_, 1, 0, workload_.depth_tokens + position);
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
  Result<void> run(Session& session, int64_t number) {
    QB_CHECK(timed(
        [&] {
          Result<void> done = timed([&] { return prefill(session, number); }, prefill_ns);
          if (done) choose(session);
          return done;
        },
        first_token_ns));
    chosen_.assign(next_.begin(), next_.end());
    for (int64_t i = 1; i < workload_.generated_tokens; ++i) {
      QB_CHECK(timed([&] { return decode(session, workload_.prompt_tokens + i - 1); }, decode_ns));
      choose(session);
      chosen_.insert(chosen_.end(), next_.begin(), next_.end());
    }
    answers_.add(number, hash_of(std::as_bytes(std::span(chosen_))));
    return {};
  }
  // The tokens chosen for each prompt were the same in every generation.
  bool answers_are_equal() const { return answers_.are_equal(); }
  // What must become steady: the decode steps, each over the median of its position, since later
  // tokens look back on more; prefills when nothing is decoded.
  std::vector<double> series() const {
    if (decode_ns.empty()) return {prefill_ns.begin(), prefill_ns.end()};
    std::vector<double> values(decode_ns.begin(), decode_ns.end());
    const size_t steps = steps_each();
    if (values.size() < 2 * steps) return values;
    for (size_t position = 0; position < steps; ++position) {
      std::vector<double> column;
      for (size_t i = position; i < values.size(); i += steps) column.push_back(values[i]);
      const double middle = std::max(1.0, stats::median(column));
      for (size_t i = position; i < values.size(); i += steps) values[i] /= middle;
    }
    return values;
  }
  size_t steps_each() const { return static_cast<size_t>(workload_.generated_tokens - 1); }

 private:
  void draw(std::vector<int64_t>& tokens, int64_t count) {
    tokens.resize(static_cast<size_t>(workload_.batch * count));
    for (int64_t& token : tokens)
      token = static_cast<int64_t>(rng_.below(static_cast<uint64_t>(vocabulary_)));
  }
  Result<void> prefill(Session& session, const std::vector<int64_t>& prompt) {
    return step(session, prompt, workload_.prompt_tokens, workload_.prompt_tokens - 1,
                workload_.depth_tokens);
  }
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
  Rng rng_;
  std::vector<int64_t> prompts_[input_count];
  std::vector<int64_t> fresh_prompt_;
  std::vector<int64_t> context_;
  std::vector<int64_t> next_;
  std::vector<int64_t> chosen_;  // in the generation at hand
  Answers answers_;
};

Result<void> measure_generation(const bundle::Bundle& bundle, Session& session,
                                const wire::Request& request, const Send& send) {
  if (request.workload.prompt_tokens < 1 || request.workload.generated_tokens < 1)
    return fail(Errc::bad_input, "a language model needs prompt_tokens and generated_tokens");
  Generation generation(bundle.graph(), request);
  const Steps prefills = {.run = [&](int64_t i) { return generation.prefill(session, i); },
                          .hash_outputs = [&] { return hash_of_logits(session); },
                          .fresh = [&] { return generation.fresh_prefill(session); }};
  send(wire::PhaseStarted{"fill_context"});
  QB_CHECK(generation.fill_context(session));
  send(wire::PhaseStarted{"first_run"});
  std::vector<int64_t> first_run;
  QB_CHECK(timed([&] { return generation.prefill(session, 0); }, first_run));
  send(SampleSeries{"first_run", first_run});
  QB_CHECK(send_output_hash(prefills, "output_hash", send));
  send(wire::PhaseStarted{"measure"});
  const size_t count_max =
      std::max<size_t>(1, sample_capacity / static_cast<size_t>(request.workload.generated_tokens));
  QB_TRY(const LoopEnd end,
         repeat_until_steady(
             request.limits, count_max, [&](int64_t i) { return generation.run(session, i); },
             [&] { return generation.series(); }));
  send_settling(end, send);
  const size_t first_step = end.first * generation.steps_each();
  send(SampleSeries{"prefill", tail_of(generation.prefill_ns, end.first)});
  send(SampleSeries{"time_to_first_token", tail_of(generation.first_token_ns, end.first)});
  if (!generation.decode_ns.empty()) {
    send(SampleSeries{"decode", tail_of(generation.decode_ns, first_step)});
    send(SampleSeries{"warm_up", head_of(generation.decode_ns, first_step)});
  }
  send(wire::Fact{"timed_answers_are_equal", generation.answers_are_equal()});
  QB_CHECK(audit(prefills, send));
  return measure_arrivals(request, send, [&](int64_t i) { return generation.run(session, i); });
}

// Pictures that differ, in turn.
class Pictures {
 public:
  Pictures(const ir::Graph& graph, const wire::Request& request)
      : shape_(ir::bind(graph[graph.of_kind(ir::ValueKind::input)[0]].shape,
                        {.batch = request.workload.batch})),
        rng_(derive_seed(request.seed, "pictures")),
        values_(element_count(shape_) * input_count),
        fresh_(element_count(shape_)) {
    draw(values_);
  }
  Result<void> run(Session& session, int64_t number) const {
    const size_t start = static_cast<size_t>(number % input_count) * element_count(shape_);
    return infer(session, values_.data() + start);
  }
  // Pictures that no run has seen; gives their inference.
  auto fresh_run(Session& session) {
    draw(fresh_);
    return [this, &session] { return infer(session, fresh_.data()); };
  }

 private:
  void draw(std::vector<float>& values) {
    for (float& value : values) value = static_cast<float>(2.0 * rng_.uniform() - 1.0);
  }
  Result<void> infer(Session& session, const float* values) const {
    const TensorView input = {ElementType::f32, shape_, values};
    return session.run({{&input, 1}, 0});
  }

  std::vector<int64_t> shape_;
  Rng rng_;
  std::vector<float> values_;
  std::vector<float> fresh_;
};

Result<void> measure_inference(const bundle::Bundle& bundle, Session& session,
                               const wire::Request& request, const Send& send) {
  Pictures pictures(bundle.graph(), request);
  return measure_steps({.run = [&](int64_t i) { return pictures.run(session, i); },
                        .hash_outputs = [&] { return hash_of_logits(session); },
                        .fresh = [&] { return pictures.fresh_run(session); }},
                       request, send);
}

}  // namespace

Result<void> answer_as_when_timed(const bundle::Bundle& bundle, Session& session,
                                  const wire::Request& request, const Send& send) {
  if (request.workload.batch != 1) return {};
  if (is_language_model(bundle.graph())) {
    if (request.workload.prompt_tokens < 1) return {};
    Generation generation(bundle.graph(), request);
    QB_CHECK(generation.fill_context(session));
    QB_CHECK(generation.prefill(session, 0));
  } else {
    QB_CHECK(Pictures(bundle.graph(), request).run(session, 0));
  }
  QB_TRY(std::string hash, hash_of_logits(session));
  send(wire::Fact{"output_hash", std::move(hash)});
  return {};
}

Result<void> measure_speed(const bundle::Bundle& bundle, Session& session,
                           const wire::Request& request, const Send& send) {
  return is_language_model(bundle.graph()) ? measure_generation(bundle, session, request, send)
                                           : measure_inference(bundle, session, request, send);
}

}  // namespace qb::worker
