// Speed: a language model's generations or a classifier's pictures, repeated until steady; then an
// audit that no answer was kept from an earlier run.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"
#include "base/rng.h"
#include "compression/quality/quality.h"
#include "measurement/worker/arrivals.h"
#include "measurement/worker/run.h"
#include "measurement/worker/steps.h"
#include "stats/stats.h"

namespace qb::worker {
namespace {

// All outputs of the last run. Error: one that isn't finite.
Result<std::string> hash_of_logits(const Session& session) {
  Hasher hasher;
  for (const TensorView& output : session.outputs()) {
    if (!quality::are_finite(output.f32()))
      return fail(Errc::framework_failed, "a run gave a logit that isn't finite");
    hasher.update(output.bytes());
  }
  return hasher.hex();
}

// Prefill of a prompt, then greedy decoding, one token a step. Each step is staged, and then run.
class Generation {
 public:
  Generation(const ir::Graph& graph, const wire::Request& request, Session& session)
      : workload_(request.workload),
        vocabulary_(graph[graph.outputs[0]].shape[2].extent),
        session_(session),
        rng_(derive_seed(request.seed, "prompt")),
        next_(static_cast<size_t>(workload_.batch)) {
    for (std::vector<int64_t>& prompt : prompts_) draw(prompt, workload_.prompt_tokens);
    draw(context_, workload_.depth_tokens);
    chosen_.reserve(next_.size() * static_cast<size_t>(workload_.generated_tokens));
  }

  Result<void> stage_prompt(int64_t number) { return stage_prompt(prompts_[number % input_count]); }
  // A prompt that no run has seen.
  Result<void> stage_fresh_prompt() {
    draw(fresh_prompt_, workload_.prompt_tokens);
    return stage_prompt(fresh_prompt_);
  }
  Result<void> run_step() { return session_.run(inputs()); }
  // The context before the prompt; later prompts overwrite what comes after it only.
  Result<void> fill_context() {
    QB_CHECK(stage(context_, workload_.depth_tokens, workload_.depth_tokens - 1, 0));
    return run_step();
  }

  std::vector<int64_t> prefill_ns;
  std::vector<int64_t> first_token_ns;
  std::vector<int64_t> decode_ns;

  // One generation from the staged prompt; `meter` times its steps, without one nothing is kept.
  Result<void> run(int64_t number, StepMeter* meter) {
    QB_CHECK(run_step(meter, prefill_ns));
    const int64_t choice_start_ns = now_ns();
    choose();
    if (meter) first_token_ns.push_back(prefill_ns.back() + now_ns() - choice_start_ns);
    chosen_.assign(next_.begin(), next_.end());
    for (int64_t i = 1; i < workload_.generated_tokens; ++i) {
      const int64_t past_tokens = workload_.depth_tokens + workload_.prompt_tokens + i - 1;
      QB_CHECK(stage(next_, 1, 0, past_tokens));
      QB_CHECK(run_step(meter, decode_ns));
      choose();
      chosen_.insert(chosen_.end(), next_.begin(), next_.end());
    }
    answers_.add(number, hash_of(std::as_bytes(std::span(chosen_))));
    return {};
  }
  // The tokens chosen for each prompt were the same in every generation.
  bool answers_are_equal() const { return answers_.are_equal(); }
  // What must become steady: the decode steps, each over the median of its position, since later
  // tokens look back on more; prefills when nothing is decoded.
  Series series() const {
    if (decode_ns.empty()) return look_at(prefill_ns);
    const size_t steps = steps_each();
    const size_t count = decode_ns.size() / steps;
    Series series = {.values_each = steps, .stride = look_stride(count, steps)};
    std::vector<double>& values = series.values;
    for (size_t i = 0; i < count; i += series.stride)
      values.insert(values.end(), decode_ns.begin() + static_cast<long>(i * steps),
                    decode_ns.begin() + static_cast<long>((i + 1) * steps));
    if (values.size() < 2 * steps) return series;
    for (size_t position = 0; position < steps; ++position) {
      std::vector<double> column;
      for (size_t i = position; i < values.size(); i += steps) column.push_back(values[i]);
      const double middle = std::max(1.0, stats::median(column));
      for (size_t i = position; i < values.size(); i += steps) values[i] /= middle;
    }
    return series;
  }
  size_t steps_each() const { return static_cast<size_t>(workload_.generated_tokens - 1); }
  // Of so many generations. The token that is chosen last goes through no step.
  Work work(size_t count) const {
    const auto sequences = static_cast<int64_t>(count) * workload_.batch;
    return {.run_count = static_cast<int64_t>(count),
            .token_count = sequences * (workload_.prompt_tokens + workload_.generated_tokens - 1),
            .generated_token_count = sequences * workload_.generated_tokens};
  }

 private:
  void draw(std::vector<int64_t>& tokens, int64_t count) {
    tokens.resize(static_cast<size_t>(workload_.batch * count));
    for (int64_t& token : tokens)
      token = static_cast<int64_t>(rng_.below(static_cast<uint64_t>(vocabulary_)));
  }
  // The likeliest next token of each sequence.
  void choose() {
    const auto logits = session_.outputs()[0].f32();
    for (size_t i = 0; i < next_.size(); ++i)
      next_[i] = quality::argmax(
          logits.subspan(i * static_cast<size_t>(vocabulary_), static_cast<size_t>(vocabulary_)));
  }
  Result<void> stage_prompt(const std::vector<int64_t>& prompt) {
    return stage(prompt, workload_.prompt_tokens, workload_.prompt_tokens - 1,
                 workload_.depth_tokens);
  }
  // `count` tokens a sequence, of which the logits after the one at `position` are asked for.
  Result<void> stage(const std::vector<int64_t>& tokens, int64_t count, int64_t position,
                     int64_t past_tokens) {
    token_shape_ = {workload_.batch, count};
    position_ = position;
    staged_ = {TensorView{ElementType::i64, token_shape_, tokens.data()},
               TensorView{ElementType::i64, position_shape_, &position_}};
    past_tokens_ = past_tokens;
    return session_.stage(inputs());
  }
  StepInputs inputs() const { return {staged_, past_tokens_}; }
  Result<void> run_step(StepMeter* meter, std::vector<int64_t>& samples) {
    const auto run = [this] { return run_step(); };
    return meter ? meter->time(run, samples) : run();
  }

  Workload workload_;
  int64_t vocabulary_;
  Session& session_;
  Rng rng_;
  std::vector<int64_t> prompts_[input_count];
  std::vector<int64_t> fresh_prompt_;
  std::vector<int64_t> context_;
  std::vector<int64_t> next_;
  std::vector<int64_t> chosen_;  // in the generation at hand
  Answers answers_;
  // Of the staged step.
  std::array<int64_t, 2> token_shape_ = {};
  std::array<int64_t, 1> position_shape_ = {1};
  int64_t position_ = 0;
  std::array<TensorView, 2> staged_;
  int64_t past_tokens_ = 0;
};

// The first prompt's answer after its context. The first run came before that, over a context of
// zeros, which takes as long.
Result<void> answer_first_prompt(Generation& generation, const wire::Request& request) {
  if (request.workload.depth_tokens > 0) QB_CHECK(generation.fill_context());
  QB_CHECK(generation.stage_prompt(0));
  return generation.run_step();
}

Result<void> measure_generation(const bundle::Bundle& bundle, Session& session,
                                const wire::Request& request, Measuring& measuring,
                                const wire::Send& send) {
  if (request.workload.prompt_tokens < 1 || request.workload.generated_tokens < 1)
    return fail(Errc::bad_input, "a language model needs prompt_tokens and generated_tokens");
  Generation generation(bundle.graph(), request, session);
  generation.prefill_ns = measuring.room().take();
  generation.first_token_ns = measuring.room().take();
  generation.decode_ns = measuring.room().take();
  std::vector<int64_t> ends_ns = measuring.room().take();
  const Steps prefills = {.stage = [&](int64_t i) { return generation.stage_prompt(i); },
                          .run = [&] { return generation.run_step(); },
                          .hash_outputs = [&] { return hash_of_logits(session); },
                          .stage_fresh = [&] { return generation.stage_fresh_prompt(); }};
  QB_CHECK(time_first_run(prefills, send));
  if (request.workload.depth_tokens > 0) {
    send(wire::PhaseStarted{"fill_context"});
    QB_CHECK(answer_first_prompt(generation, request));
  }
  QB_CHECK(send_output_hash(prefills, "output_hash", send));
  send(wire::PhaseStarted{"measure"});
  const size_t count_max = std::max<size_t>(
      1, SampleRoom::sample_capacity / static_cast<size_t>(request.workload.generated_tokens));
  const auto step = [&](int64_t i) -> Result<void> {
    QB_CHECK(generation.stage_prompt(i));
    return generation.run(i, &measuring.meter());
  };
  measuring.begin();
  QB_TRY(const LoopEnd end, repeat_until_steady(request.limits, count_max, ends_ns, step,
                                                [&] { return generation.series(); }));
  measuring.end(generation.work(end.count));
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
  return measure_arrivals(request, send, {.prepare = prefills.stage, .serve = [&](int64_t i) {
                                            return generation.run(i, nullptr);
                                          }});
}

// Pictures that differ, in turn.
class Pictures {
 public:
  Pictures(const ir::Graph& graph, const wire::Request& request, Session& session)
      : shape_(ir::bind(graph[graph.of_kind(ir::ValueKind::input)[0]].shape,
                        {{ir::Symbol::batch, request.workload.batch}})),
        session_(session),
        rng_(derive_seed(request.seed, "pictures")),
        values_(element_count(shape_) * input_count),
        fresh_(element_count(shape_)) {
    draw(values_);
  }
  Result<void> stage(int64_t number) {
    return stage_values(values_.data() +
                        static_cast<size_t>(number % input_count) * element_count(shape_));
  }
  // Pictures that no run has seen.
  Result<void> stage_fresh() {
    draw(fresh_);
    return stage_values(fresh_.data());
  }
  Result<void> run() { return session_.run({{&staged_, 1}, 0}); }

 private:
  void draw(std::vector<float>& values) {
    for (float& value : values) value = static_cast<float>(2.0 * rng_.uniform() - 1.0);
  }
  Result<void> stage_values(const float* values) {
    staged_ = {ElementType::f32, shape_, values};
    return session_.stage({{&staged_, 1}, 0});
  }

  std::vector<int64_t> shape_;
  Session& session_;
  Rng rng_;
  std::vector<float> values_;
  std::vector<float> fresh_;
  TensorView staged_;
};

Result<void> measure_inference(const bundle::Bundle& bundle, Session& session,
                               const wire::Request& request, Measuring& measuring,
                               const wire::Send& send) {
  Pictures pictures(bundle.graph(), request, session);
  return measure_steps({.stage = [&](int64_t i) { return pictures.stage(i); },
                        .run = [&] { return pictures.run(); },
                        .hash_outputs = [&] { return hash_of_logits(session); },
                        .stage_fresh = [&] { return pictures.stage_fresh(); },
                        .picture_count = request.workload.batch},
                       request, measuring, send);
}

}  // namespace

Result<void> answer_as_when_timed(const bundle::Bundle& bundle, Session& session,
                                  const wire::Request& request, const wire::Send& send) {
  if (request.workload.batch != 1) return {};
  if (is_language_model(bundle.graph())) {
    if (request.workload.prompt_tokens < 1) return {};
    Generation generation(bundle.graph(), request, session);
    QB_CHECK(answer_first_prompt(generation, request));
  } else {
    Pictures pictures(bundle.graph(), request, session);
    QB_CHECK(pictures.stage(0));
    QB_CHECK(pictures.run());
  }
  QB_TRY(std::string hash, hash_of_logits(session));
  send(wire::Fact{"output_hash", std::move(hash)});
  return {};
}

Result<void> measure_speed(const bundle::Bundle& bundle, Session& session,
                           const wire::Request& request, Measuring& measuring,
                           const wire::Send& send) {
  return is_language_model(bundle.graph())
             ? measure_generation(bundle, session, request, measuring, send)
             : measure_inference(bundle, session, request, measuring, send);
}

}  // namespace qb::worker
