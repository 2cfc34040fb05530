// What is counted of a launch: the timed steps alone, their work, and memory without our own.
#include "measurement/worker/measuring.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <thread>

#include "measurement/scenarios/fake_session.h"

using namespace qb;
using namespace qb::scenarios;
using namespace qb::scenarios::fake;

namespace {

// So much of the processor's time, however busy the machine.
void burn(int64_t duration_ns) {
  const auto used_ns = [] { return *probes::process_usage().cpu_time_ns; };
  for (const int64_t end = used_ns() + duration_ns; used_ns() < end;) {
  }
}

constexpr int64_t ms = 1'000'000;

// What lies between steps burns the processor, the steps themselves sleep; or the other way round.
class UnevenSession : public FakeSession {
 public:
  UnevenSession(bool is_step_busy, int64_t step_ns, int64_t stage_ns)
      : is_step_busy_(is_step_busy), step_ns_(step_ns), stage_ns_(stage_ns) {
    prefers = false;
  }
  Result<void> stage(const worker::StepInputs&) override {
    pass(!is_step_busy_, stage_ns_);
    ++stage_count;
    return {};
  }
  Result<void> run(const worker::StepInputs& inputs) override {
    pass(is_step_busy_, step_ns_);
    return FakeSession::run(inputs);
  }
  int64_t stage_count = 0;

 private:
  static void pass(bool is_busy, int64_t duration_ns) {
    if (is_busy)
      burn(duration_ns);
    else
      std::this_thread::sleep_for(std::chrono::nanoseconds(duration_ns));
  }
  bool is_step_busy_;
  int64_t step_ns_, stage_ns_;
};

// Keeps nothing.
class SilentSession : public worker::Session {
 public:
  Result<void> run(const worker::StepInputs&) override { return {}; }
  std::span<const TensorView> outputs() const override { return {&output_, 1}; }
  Json actual() const override { return {}; }

 private:
  float logit_ = 0.0f;
  int64_t shape_[1] = {1};
  TensorView output_ = {ElementType::f32, shape_, &logit_};
};

}  // namespace

TEST_CASE("processor time and measured time are those of the timed steps, not of staging") {
  for (const bool is_step_busy : {true, false}) {
    CAPTURE(is_step_busy);
    const Stage stage;
    UnevenSession session(is_step_busy, 4 * ms, 6 * ms);
    Listener listener;
    const wire::Request request = {.limits = {.warmup_count_min = 0, .iteration_count_min = 20}};
    REQUIRE(measure(stage.classifier(), session, request, listener));
    const double cpu_ms = listener.facts["cpu_time_ns"].as_double() / ms;
    const double time_ms = listener.facts["measure_time_ns"].as_double() / ms;
    double samples_ms = 0.0;
    for (const char* series : {"inference", "warm_up"})
      for (const int64_t sample : listener.samples[series])
        samples_ms += static_cast<double>(sample) / ms;
    CHECK(time_ms == doctest::Approx(samples_ms).epsilon(1e-6));
    // As many as were asked for, and more where a noisy machine made the loop wait to be steady.
    const int64_t run_count =
        std::ssize(listener.samples["inference"]) + std::ssize(listener.samples["warm_up"]);
    CHECK(run_count >= 20);
    CHECK(listener.facts["measured_runs"].as_int() == run_count);
    CHECK(listener.facts["measured_pictures"].as_int() == run_count);
    if (is_step_busy)
      CHECK(cpu_ms > 60.0);  // of 80
    else
      CHECK(cpu_ms < 20.0);  // 120 are burnt between the steps
    CHECK(listener.facts["timed_share"].as_double() < 0.9);
    CHECK(session.stage_count == static_cast<int64_t>(session.calls.size()));
  }
}

TEST_CASE("a language model's tokens are counted: through the network, and chosen") {
  const Stage stage;
  FakeSession session;
  Listener listener;
  const wire::Request request = {
      .workload = {{"batch", 2}, {"prompt_tokens", 5}, {"generated_tokens", 4}},
      .limits = {.warmup_count_min = 0, .iteration_count_min = 3}};
  REQUIRE(measure(stage.language_model(), session, request, listener));
  CHECK(listener.facts["measured_runs"].as_int() == 3);
  CHECK(listener.facts["measured_tokens"].as_int() == 3 * 2 * (5 + 3));
  CHECK(listener.facts["measured_generated_tokens"].as_int() == 3 * 2 * 4);
  CHECK_FALSE(listener.facts.contains("measured_pictures"));
}

TEST_CASE("a counter's growth during steps is told from what grows between them") {
  int64_t counter = 0;
  worker::StepCounter long_steps([&] { return std::optional(counter); }, ms);
  for (int i = 0; i < 5; ++i) {
    long_steps.before_step();
    counter += 7;  // the step's
    long_steps.after_step(2 * ms);
    counter += 1000;  // the bookkeeping's
  }
  CHECK(long_steps.total() == 35);  // each step had a stretch of its own

  // Steps too short for a reading each share a stretch, whose growth counts by the part timed.
  worker::StepCounter short_steps([] { return std::optional(now_ns()); }, ms);
  int64_t timed_ns = 0;
  for (int i = 0; i < 100; ++i) {
    short_steps.before_step();
    const int64_t start_ns = now_ns();
    burn(ms / 10);
    const int64_t duration_ns = now_ns() - start_ns;
    short_steps.after_step(duration_ns);
    timed_ns += duration_ns;
    burn(ms / 10);
  }
  short_steps.close();
  REQUIRE(short_steps.total());
  CHECK(static_cast<double>(*short_steps.total()) ==
        doctest::Approx(static_cast<double>(timed_ns)).epsilon(0.1));
}

TEST_CASE("a counter that can't be read gives nothing, not 0") {
  int reading_count = 0;
  worker::StepCounter failing(
      [&] { return ++reading_count == 3 ? std::nullopt : std::optional<int64_t>(1); }, 1);
  for (int i = 0; i < 4; ++i) {
    failing.before_step();
    failing.after_step(ms);
  }
  CHECK_FALSE(failing.total());
  worker::StepCounter unused([] { return std::optional<int64_t>(1); }, 1);
  CHECK_FALSE(unused.total());
}

TEST_CASE("memory does not grow with the number of samples") {
  if (std::getenv("QB_SANITIZED")) {
    MESSAGE("not run here: a sanitizer keeps what was freed");
    return;
  }
  const Stage stage;
  const bundle::Bundle model = stage.classifier();
  const auto facts_of = [&](int64_t count) {
    SilentSession session;
    Listener listener;
    const wire::Request request = {.limits = {.warmup_count_min = 0, .iteration_count_min = count}};
    REQUIRE(measure(model, session, request, listener));
    CHECK(static_cast<int64_t>(listener.samples["inference"].size() +
                               listener.samples["warm_up"].size()) >= count);
    return listener.facts;
  };
  auto few = facts_of(10);
  auto many = facts_of(400'000);
  // Where the peak can't be reset it is that of the process's life, and there is no scratch.
  const bool is_peak_reset = few.contains("rss_bytes_peak_run");
  const auto growth_of = [&](const char* name) {
    CAPTURE(name);
    REQUIRE(few.contains(name));
    REQUIRE(many.contains(name));
    return many[name].as_int() - few[name].as_int();
  };
  constexpr int64_t mib = 1 << 20;
  CHECK(growth_of(is_peak_reset ? "rss_bytes_peak_run" : "rss_bytes_peak_life") < 2 * mib);
  CHECK(growth_of("rss_bytes_steady") < 2 * mib);
  if (is_peak_reset) CHECK(growth_of("rss_bytes_scratch") < mib);
}
