// Text generation: a prompt's prefill, then greedy decoding; judged by how likely a text is.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/hash.h"
#include "base/rng.h"
#include "compression/bundle/tensor_file.h"
#include "measurement/scenarios/judge.h"
#include "measurement/scenarios/model_run.h"
#include "measurement/worker/arrivals.h"
#include "measurement/worker/steps.h"
#include "stats/stats.h"

namespace qb::scenarios {
namespace {

using namespace worker;  // the protocol's words: Session, Steps, Measuring, …

// The workload's axes.
struct Shape {
  explicit Shape(const Workload& w)
      : batch(w.batch()),
        prompt_tokens(w.integer("prompt_tokens")),
        generated_tokens(w.integer("generated_tokens")),
        depth_tokens(w.integer("depth_tokens")) {}
  int64_t batch, prompt_tokens, generated_tokens, depth_tokens;

  int64_t total_tokens() const { return depth_tokens + prompt_tokens + generated_tokens; }
};

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
  // Of so many generations: tokens that went through the network (the one that is chosen last goes
  // through no step), and tokens that were chosen.
  Work work(size_t count) const {
    const auto sequences = static_cast<int64_t>(count) * workload_.batch;
    return {.run_count = static_cast<int64_t>(count),
            .items = {
                {"tokens", sequences * (workload_.prompt_tokens + workload_.generated_tokens - 1)},
                {"generated_tokens", sequences * workload_.generated_tokens}}};
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

  Shape workload_;
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
  if (Shape(request.workload).depth_tokens > 0) QB_CHECK(generation.fill_context());
  QB_CHECK(generation.stage_prompt(0));
  return generation.run_step();
}

Result<void> measure_speed(Networks networks, const wire::Request& request, Measuring& measuring,
                           const wire::Send& send) {
  const auto& [name, bundle, session] = networks[0];
  const Shape workload(request.workload);
  if (workload.prompt_tokens < 1 || workload.generated_tokens < 1)
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
  if (workload.depth_tokens > 0) {
    send(wire::PhaseStarted{"fill_context"});
    QB_CHECK(answer_first_prompt(generation, request));
  }
  QB_CHECK(send_output_hash(prefills, "output_hash", send));
  send(wire::PhaseStarted{"measure"});
  const size_t count_max = std::max<size_t>(
      1, SampleRoom::sample_capacity / static_cast<size_t>(workload.generated_tokens));
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

// What is told of a text: how likely its tokens were, and by how much less than to the baseline.
void send_likelihood(const wire::Send& send, std::span<const double> nll,
                     std::span<const double> baseline_nll) {
  send(wire::Fact{"perplexity", std::exp(stats::mean(nll))});
  send_series(send, "nll", nll);
  if (baseline_nll.size() != nll.size()) return;
  std::vector<double> differences(nll.begin(), nll.end());
  for (size_t i = 0; i < differences.size(); ++i) differences[i] -= baseline_nll[i];
  send_series(send, "nll_difference", differences);
}

// Perplexity = exp(mean negative log likelihood) of every token but a window's first.
Result<void> measure_quality(Networks networks, const bundle::TensorFile& dataset,
                             const wire::Request& request, const wire::Send& send) {
  const auto& [name, bundle, session] = networks[0];
  QB_TRY(const TensorView tokens, dataset.find("tokens", ElementType::i64, 2));
  const int64_t limit = request.item_count_max;
  const int64_t window_tokens = limit > 0 ? std::min(limit, tokens.shape[1]) : tokens.shape[1];
  const int64_t window_count =
      limit > 0 ? std::clamp<int64_t>(limit / window_tokens, 1, tokens.shape[0]) : tokens.shape[0];
  if (window_tokens < 2)
    return fail(Errc::bad_input, "{}: a window needs two tokens at least", request.dataset);
  const auto vocabulary =
      static_cast<size_t>(bundle.graph()[bundle.graph().outputs[0]].shape[2].extent);
  QB_TRY(Judge judge, Judge::open(request, static_cast<int64_t>(vocabulary)));
  std::vector<int64_t> positions(static_cast<size_t>(window_tokens - 1));
  std::iota(positions.begin(), positions.end(), 0);
  for (const int64_t id : tokens.i64())
    if (id < 0 || static_cast<size_t>(id) >= vocabulary)
      return fail(Errc::bad_input, "{}: token {} is outside the vocabulary of {}", request.dataset,
                  id, vocabulary);
  const int64_t position_shape[] = {window_tokens - 1};
  const int64_t token_shape[] = {1, window_tokens};
  std::vector<double> nll;
  for (int64_t window = 0; window < window_count; ++window) {
    const int64_t* ids = tokens.i64().data() + window * tokens.shape[1];
    const TensorView inputs[] = {{ElementType::i64, token_shape, ids},
                                 {ElementType::i64, position_shape, positions.data()}};
    QB_CHECK(session.run({inputs, 0}));
    QB_TRY(const auto logits, logits_of(session, positions.size() * vocabulary));
    for (size_t i = 0; i < positions.size(); ++i) {
      const auto row = logits.subspan(i * vocabulary, vocabulary);
      nll.push_back(quality::negative_log_likelihood(row, ids[i + 1]));
      QB_CHECK(judge.add(row, ids[i + 1]));
    }
  }
  send(wire::Fact{"token_count", nll.size()});
  if (bundle.weights_origin() == "pretrained") send_likelihood(send, nll, judge.baseline_nll());
  return judge.finish(send);
}

Result<void> check(std::span<const GraphView> graphs) {
  QB_TRY(const ir::Graph* only, only_graph(graphs));
  const ir::Graph& graph = *only;
  std::vector<std::string> names;
  for (const ir::Value input : graph.of_kind(ir::ValueKind::input))
    names.push_back(graph[input].name);
  if (names == std::vector<std::string>{"tokens", "positions"}) return {};
  return fail(Errc::bad_input, "{}: takes [{}], a language model takes tokens and positions",
              graph.name, fmt::join(names, ", "));
}

// The workload's, or a window of the dataset.
Result<int64_t> context_tokens(const wire::Request& request, const bundle::TensorFile* dataset) {
  const int64_t workload_tokens = Shape(request.workload).total_tokens();
  if (!dataset) return workload_tokens;
  QB_TRY(const TensorView tokens, dataset->find("tokens", ElementType::i64, 2));
  return std::max(tokens.shape[1], workload_tokens);
}

Result<std::string> answer_first(Networks networks, const wire::Request& request) {
  const auto& [name, bundle, session] = networks[0];
  if (Shape(request.workload).prompt_tokens < 1) return std::string();
  Generation generation(bundle.graph(), request, session);
  QB_CHECK(answer_first_prompt(generation, request));
  return hash_of_logits(session);
}

}  // namespace

const ModelTask language = {check, context_tokens, measure_speed, measure_quality, answer_first};

Result<void> run_language(Engine& engine, const wire::Request& request, const wire::Send& send) {
  return run_model(language, engine, request, send);
}

}  // namespace qb::scenarios
