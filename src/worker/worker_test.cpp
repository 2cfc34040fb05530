// The worker shell with a fake session: what it runs, what it records, what it refuses.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <thread>

#include "bundle/tensor_file.h"
#include "ir/builder.h"
#include "worker/run.h"
#include "worker/timed_loop.h"

using namespace qb;
namespace fs = std::filesystem;

namespace {

constexpr int64_t vocabulary = 7;

struct Call {
  std::vector<int64_t> tokens;
  int64_t position_first = 0;
  int64_t position_count = 0;
  int64_t past_tokens = 0;
  const void* data = nullptr;
};

// Notes its calls; each row of run number n prefers token n mod 7, or likes all the same.
class FakeSession : public worker::Session {
 public:
  Result<void> run(const worker::StepInputs& inputs) override {
    const TensorView& first = inputs.tensors[0];
    Call call = {.past_tokens = inputs.past_tokens, .data = first.data};
    int64_t row_count = 1;
    if (first.type == ElementType::i64) {
      call.tokens.assign(first.i64().begin(), first.i64().end());
      call.position_count = inputs.tensors[1].shape[0];
      if (call.position_count > 0) call.position_first = inputs.tensors[1].i64()[0];
      row_count = first.shape[0] * call.position_count;
    }
    logits_.assign(static_cast<size_t>(row_count * vocabulary), filling);
    if (prefers)
      for (size_t row = 0; row < logits_.size(); row += vocabulary)
        logits_[row + calls.size() % vocabulary] += 1.0f;
    shape_ = {row_count, vocabulary};
    output_ = {ElementType::f32, shape_, logits_.data()};
    calls.push_back(std::move(call));
    return {};
  }
  std::span<const TensorView> outputs() const override { return {&output_, 1}; }
  Json actual() const override { return Json::object({}); }

  std::vector<Call> calls;
  float filling = 0.0f;
  bool prefers = true;

 private:
  std::vector<float> logits_;
  std::vector<int64_t> shape_;
  TensorView output_;
};

// What a worker told.
struct Listener {
  std::map<std::string, std::vector<int64_t>> samples;
  std::map<std::string, Json> facts;
  worker::Send send() {
    return [this](const wire::Event& event) {
      if (const auto* series = std::get_if<SampleSeries>(&event))
        samples[series->phase] = series->duration_ns;
      if (const auto* fact = std::get_if<wire::Fact>(&event)) facts[fact->name] = fact->value;
    };
  }
};

// A folder with the bundle of a tiny language model and of a tiny classifier.
struct Stage {
  fs::path root = fs::temp_directory_path() / fmt::format("qb_worker_{}", ::getpid());
  ~Stage() { fs::remove_all(root); }

  bundle::Bundle bundle_of(const ir::Graph& graph) const {
    const auto zeros = [](const ir::ValueInfo&, std::span<float>) { return Result<void>(); };
    const bundle::Recipe recipe = {
        .scheme = "fp32", .weights = "pretrained", .source_hash = "zeros"};
    const auto folder =
        bundle::build_plain_bundle(root, graph, quant::find_scheme("fp32").value(), recipe, zeros);
    REQUIRE(folder);
    auto bundle = bundle::load_bundle(*folder);
    REQUIRE(bundle);
    return *std::move(bundle);
  }
  bundle::Bundle language_model() const {
    ir::Builder b("tiny");
    const ir::Value tokens =
        b.input("tokens", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence});
    const ir::Value positions = b.input("positions", ElementType::i64, {ir::Symbol::selected});
    const ir::Value x = b.embedding(tokens, b.parameter("table", {vocabulary, 4}));
    b.output(b.linear(b.select_positions(x, positions), b.parameter("head", {vocabulary, 4})));
    return bundle_of(b.finish().value());
  }
  bundle::Bundle classifier() const {
    ir::Builder b("tiny");
    const ir::Value x = b.input("image", ElementType::f32, {ir::Symbol::batch, 3, 2, 2});
    b.output(b.linear(b.flatten(x), b.parameter("head", {vocabulary, 12})));
    return bundle_of(b.finish().value());
  }
  std::string dataset(std::span<const bundle::NamedTensor> tensors) const {
    const fs::path path = root / "dataset";
    REQUIRE(bundle::save_tensor_file(path, Json::object({}), tensors));
    return path.string();
  }
};

Result<void> measure(const bundle::Bundle& bundle, worker::Session& session,
                     const wire::Request& request, Listener& listener) {
  worker::SampleRoom room;
  worker::Measuring measuring(room, probes::resident_parts());
  QB_CHECK(worker::measure_speed(bundle, session, request, measuring, listener.send()));
  measuring.send("", listener.send());
  return {};
}

wire::Request quality_request(std::string dataset) {
  return {.is_quality = true, .dataset = std::move(dataset)};
}

}  // namespace

TEST_CASE("a generation is a prefill and then one token a step, fed with the likeliest") {
  const Stage stage;
  FakeSession session;
  Listener listener;
  const wire::Request request = {.workload = {.prompt_tokens = 5, .generated_tokens = 4},
                                 .limits = {.warmup_count_min = 2, .iteration_count_min = 3}};
  REQUIRE(measure(stage.language_model(), session, request, listener));
  constexpr size_t audit_count = 10;
  REQUIRE(session.calls.size() == 1 + (2 + 3) * 4 + audit_count);
  for (size_t i = 1; i < session.calls.size() - audit_count; ++i) {
    CAPTURE(i);
    const Call& call = session.calls[i];
    const auto step = static_cast<int64_t>((i - 1) % 4);
    CHECK(call.past_tokens == (step == 0 ? 0 : 4 + step));
    CHECK(call.position_first == (step == 0 ? 4 : 0));
    CHECK(call.position_count == 1);
    if (step == 0) {
      const bool is_first_prompt = (i - 1) / 4 % 4 == 0;  // four prompts, in turn
      CHECK((call.tokens == session.calls[0].tokens) == is_first_prompt);
    } else {
      CHECK(call.tokens == std::vector<int64_t>{static_cast<int64_t>((i - 1) % vocabulary)});
    }
  }
  // First inputs that no run has seen, then the first one again and again.
  const size_t audit_first = session.calls.size() - audit_count;
  for (size_t i = audit_first; i < session.calls.size(); ++i)
    CHECK((session.calls[i].tokens == session.calls[0].tokens) == (i >= audit_first + 5));
  CHECK(session.calls[0].tokens.size() == 5);
  CHECK(listener.facts.contains("output_hash"));
  CHECK(listener.facts.contains("output_hash_after"));
  CHECK(listener.facts["same_input_ratio"].as_double() > 0.0);
}

TEST_CASE("at a depth the context is filled once, and prompt and tokens come after it") {
  const Stage stage;
  FakeSession session;
  Listener listener;
  const wire::Request request = {
      .workload = {.prompt_tokens = 5, .generated_tokens = 3, .depth_tokens = 100},
      .limits = {.warmup_count_min = 0, .iteration_count_min = 2}};
  REQUIRE(measure(stage.language_model(), session, request, listener));
  // The first run is the first of all; its prompt is answered once more when the context is there.
  CHECK(session.calls[0].tokens.size() == 5);
  CHECK(session.calls[0].past_tokens == 100);
  CHECK(session.calls[1].tokens.size() == 100);
  CHECK(session.calls[1].past_tokens == 0);
  CHECK(session.calls[2].tokens == session.calls[0].tokens);
  for (size_t i = 3; i < 3 + 2 * 3; ++i)
    CHECK(session.calls[i].past_tokens ==
          100 + ((i - 3) % 3 == 0 ? 0 : 4 + static_cast<int64_t>((i - 3) % 3)));
}

TEST_CASE("warm-up and first run are not among the samples") {
  const Stage stage;
  FakeSession session;
  Listener listener;
  const wire::Request request = {.workload = {.prompt_tokens = 5, .generated_tokens = 4},
                                 .limits = {.warmup_count_min = 2, .iteration_count_min = 3}};
  REQUIRE(measure(stage.language_model(), session, request, listener));
  CHECK(listener.samples["first_run"].size() == 1);
  CHECK(listener.samples["prefill"].size() == 3);
  CHECK(listener.samples["time_to_first_token"].size() == 3);
  CHECK(listener.samples["decode"].size() == 9);
  CHECK(listener.samples["warm_up"].size() == 6);
  CHECK(listener.facts["warm_up_count"].as_int() == 2);
  for (size_t i = 0; i < 3; ++i)
    CHECK(listener.samples["time_to_first_token"][i] >= listener.samples["prefill"][i]);
}

// Keeps every answer: quick with what it has seen.
class KeepingSession : public FakeSession {
 public:
  Result<void> run(const worker::StepInputs& inputs) override {
    const auto bytes = inputs.tensors[0].f32();
    if (seen_.insert({bytes.begin(), bytes.end()}).second)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return FakeSession::run(inputs);
  }

 private:
  std::set<std::vector<float>> seen_;
};

TEST_CASE("a framework that keeps its answers is quicker with the same input every time") {
  const Stage stage;
  KeepingSession session;
  Listener listener;
  const wire::Request request = {.limits = {.warmup_count_min = 0, .iteration_count_min = 8}};
  REQUIRE(measure(stage.classifier(), session, request, listener));
  CHECK(listener.facts["same_input_is_faster"].as_bool());
  CHECK(listener.facts["same_input_ratio"].as_double() < 0.5);
}

// Answers the same input alike, or, when it is moody, otherwise each time.
class SteadySession : public FakeSession {
 public:
  explicit SteadySession(bool is_moody) : is_moody_(is_moody) { prefers = false; }
  Result<void> run(const worker::StepInputs& inputs) override {
    filling = inputs.tensors[0].f32()[0] + (is_moody_ ? static_cast<float>(calls.size()) : 0.0f);
    return FakeSession::run(inputs);
  }

 private:
  bool is_moody_;
};

TEST_CASE("the timed runs' answers are compared: the same input must give the same") {
  for (const bool is_moody : {false, true}) {
    const Stage stage;
    SteadySession session(is_moody);
    Listener listener;
    const wire::Request request = {.limits = {.warmup_count_min = 0, .iteration_count_min = 8}};
    REQUIRE(measure(stage.classifier(), session, request, listener));
    CHECK(listener.facts["timed_answers_are_equal"].as_bool(is_moody) == !is_moody);
    CHECK((listener.facts["output_hash"] == listener.facts["output_hash_after"]) == !is_moody);
  }
}

TEST_CASE("a quality launch answers the first timed input too, unless there is a batch") {
  const Stage stage;
  const bundle::Bundle model = stage.classifier();
  wire::Request request = {.limits = {.warmup_count_min = 0, .iteration_count_min = 3}};
  SteadySession timed(false);
  Listener listener;
  REQUIRE(measure(model, timed, request, listener));
  SteadySession judged(false);
  Listener quality;
  REQUIRE(worker::answer_as_when_timed(model, judged, request, quality.send()));
  CHECK(quality.facts["output_hash"] == listener.facts["output_hash"]);
  request.workload.batch = 2;
  Listener of_batch;
  REQUIRE(worker::answer_as_when_timed(model, judged, request, of_batch.send()));
  CHECK(of_batch.facts.empty());
}

TEST_CASE("a classifier sees other pictures in turn") {
  const Stage stage;
  FakeSession session;
  Listener listener;
  const wire::Request request = {.limits = {.warmup_count_min = 0, .iteration_count_min = 8}};
  REQUIRE(measure(stage.classifier(), session, request, listener));
  REQUIRE(session.calls.size() == 1 + 8 + 5 + 5);  // and the audit's
  CHECK(listener.samples["inference"].size() == 8);
  CHECK(session.calls[1].data != session.calls[2].data);
  CHECK(session.calls[1].data == session.calls[5].data);
}

TEST_CASE("the loop goes on until count and duration are both enough, or time is up") {
  const Stage stage;
  Listener listener;
  wire::Request request = {.limits = {.warmup_count_min = 0, .iteration_count_min = 2}};
  request.limits.duration_ns_min = 20'000'000;
  FakeSession session;
  REQUIRE(measure(stage.classifier(), session, request, listener));
  CHECK(listener.samples["inference"].size() > 2);
  request.limits = {.iteration_count_min = 900'000'000, .duration_ns_max = 5'000'000};
  FakeSession endless;
  REQUIRE(measure(stage.classifier(), endless, request, listener));
  CHECK(listener.samples["inference"].size() < 900'000);
}

TEST_CASE("a slow start is warm-up, however long; a loop that never settles says so") {
  using worker::settle;
  const wire::Limits limits = {.warmup_count_min = 2};
  std::vector<int64_t> ends_ns;
  std::vector<double> series;
  for (int64_t i = 1; i <= 100; ++i) {
    ends_ns.push_back(1'000'000 * i);
    series.push_back((i <= 20 ? 3.0 : 1.0) + 0.01 * static_cast<double>(i * 7919 % 13));
  }
  const worker::LoopEnd end = settle(limits, ends_ns, {series});
  CHECK(end.first == 20);
  CHECK(end.is_settled == true);
  for (size_t i = 0; i < series.size(); ++i) series[i] = 1.0 + static_cast<double>(i);
  const worker::LoopEnd restless = settle(limits, ends_ns, {series});
  CHECK(restless.is_settled == false);
  CHECK(restless.first == 2);
  const worker::LoopEnd few = settle(limits, std::span(ends_ns).first(4), {});
  CHECK_FALSE(few.is_settled.has_value());
  CHECK(few.first == 2);
}

TEST_CASE("a logit that isn't finite fails the case") {
  const Stage stage;
  FakeSession session;
  session.filling = std::numeric_limits<float>::quiet_NaN();
  Listener listener;
  const auto done = measure(stage.classifier(), session, {}, listener);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::framework_failed);
  CHECK(listener.samples.count("inference") == 0);
}

TEST_CASE("a model that knows nothing has the vocabulary as its perplexity") {
  const Stage stage;
  const bundle::Bundle model = stage.language_model();
  const int64_t shape[] = {2, 3};
  const int64_t ids[] = {0, 1, 2, 3, 4, 5};
  const bundle::NamedTensor tensors[] = {{"tokens", {ElementType::i64, shape, ids}}};
  FakeSession session;
  session.prefers = false;
  Listener listener;
  REQUIRE(worker::measure_quality(model, session, quality_request(stage.dataset(tensors)),
                                  listener.send()));
  CHECK(listener.facts["perplexity"].as_double() == doctest::Approx(vocabulary));
  CHECK(listener.facts["token_count"].as_int() == 4);
}

TEST_CASE("logits that are their own baseline agree wholly") {
  const Stage stage;
  const bundle::Bundle model = stage.language_model();
  const int64_t shape[] = {2, 3};
  const int64_t ids[] = {0, 1, 2, 3, 4, 5};
  const bundle::NamedTensor tensors[] = {{"tokens", {ElementType::i64, shape, ids}}};
  wire::Request request = quality_request(stage.dataset(tensors));
  request.baseline_output = (stage.root / "baseline").string();
  FakeSession writer;
  Listener listener;
  REQUIRE(worker::measure_quality(model, writer, request, listener.send()));
  CHECK_FALSE(listener.facts.contains("kl_divergence"));
  request.baseline = std::exchange(request.baseline_output, "");
  FakeSession reader;
  REQUIRE(worker::measure_quality(model, reader, request, listener.send()));
  CHECK(listener.facts["kl_divergence"].as_double() == 0.0);
  CHECK(listener.facts["top1_agreement"].as_double() == 1.0);
}

TEST_CASE("a kernel that writes a constant is never right, nor agrees with anything") {
  const Stage stage;
  const bundle::Bundle model = stage.classifier();
  const int64_t image_shape[] = {2, 3, 2, 2};
  const int64_t label_shape[] = {2, 1};
  const std::vector<float> images(24);
  const int64_t labels[] = {0, 1};  // what the first of equal ones would be
  const bundle::NamedTensor tensors[] = {{"images", {ElementType::f32, image_shape, images.data()}},
                                         {"labels", {ElementType::i64, label_shape, labels}}};
  wire::Request request = quality_request(stage.dataset(tensors));
  for (const bool is_constant : {false, true}) {
    CAPTURE(is_constant);
    request.baseline_output = (stage.root / "baseline").string();
    request.baseline.clear();
    FakeSession writer;
    writer.prefers = !is_constant;
    Listener listener;
    REQUIRE(worker::measure_quality(model, writer, request, listener.send()));
    request.baseline = std::exchange(request.baseline_output, "");
    FakeSession session;
    session.prefers = !is_constant;
    REQUIRE(worker::measure_quality(model, session, request, listener.send()));
    const double wanted = is_constant ? 0.0 : 1.0;
    CHECK(listener.facts["top1_accuracy"].as_double(-1.0) == wanted);
    CHECK(listener.facts["top5_accuracy"].as_double(-1.0) == wanted);
    CHECK(listener.facts["top1_agreement"].as_double(-1.0) == wanted);
    CHECK(listener.facts["tied_row_count"].as_int(-1) == (is_constant ? 2 : 0));
  }
}

TEST_CASE("logits that aren't finite are no answers: no picture is right, no text has a figure") {
  const Stage stage;
  const int64_t image_shape[] = {1, 3, 2, 2};
  const int64_t label_shape[] = {1, 1};
  const std::vector<float> images(12);
  const int64_t labels[] = {0};
  const int64_t text_shape[] = {1, 3};
  const int64_t ids[] = {0, 1, 2};
  const bundle::NamedTensor pictures[] = {
      {"images", {ElementType::f32, image_shape, images.data()}},
      {"labels", {ElementType::i64, label_shape, labels}}};
  const bundle::NamedTensor text[] = {{"tokens", {ElementType::i64, text_shape, ids}}};
  for (const bool is_text : {false, true})
    for (const float filling :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      const bundle::Bundle model = is_text ? stage.language_model() : stage.classifier();
      const std::string dataset = is_text ? stage.dataset(text) : stage.dataset(pictures);
      FakeSession session;
      session.filling = filling;
      Listener listener;
      const auto done =
          worker::measure_quality(model, session, quality_request(dataset), listener.send());
      REQUIRE_FALSE(done);
      CHECK(done.error().code == Errc::framework_failed);
      CHECK_FALSE(listener.facts.contains("top1_accuracy"));
      CHECK_FALSE(listener.facts.contains("perplexity"));
    }
}

TEST_CASE(
    "a text's figures come with the means of its chunks, and with the baseline's likelihood") {
  const Stage stage;
  const bundle::Bundle model = stage.language_model();
  const int64_t shape[] = {3, 17};
  std::vector<int64_t> ids(51);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int64_t>(i * i % vocabulary);
  const bundle::NamedTensor tensors[] = {{"tokens", {ElementType::i64, shape, ids.data()}}};
  wire::Request request = quality_request(stage.dataset(tensors));
  request.baseline_output = (stage.root / "baseline").string();
  FakeSession flat;
  flat.prefers = false;
  Listener listener;
  REQUIRE(worker::measure_quality(model, flat, request, listener.send()));
  CHECK_FALSE(listener.facts.contains("nll_difference"));
  request.baseline = std::exchange(request.baseline_output, "");
  FakeSession session;
  REQUIRE(worker::measure_quality(model, session, request, listener.send()));
  CHECK(listener.facts["token_count"].as_int() == 48);
  for (const char* name : {"nll", "nll_difference", "kl_divergence", "top1_agreement"}) {
    CAPTURE(name);
    const auto& chunks = listener.facts[fmt::format("{}_chunks", name)].as_array();
    REQUIRE(chunks.size() == 16);
    double sum = 0.0;
    for (const Json& chunk : chunks) sum += chunk.as_double();
    CHECK(sum / 16.0 == doctest::Approx(listener.facts[name].as_double()));
  }
  CHECK(std::exp(listener.facts["nll_difference"].as_double()) ==
        doctest::Approx(listener.facts["perplexity"].as_double() / vocabulary));
}

TEST_CASE("a hostile dataset is an error that says so") {
  const Stage stage;
  const bundle::Bundle model = stage.language_model();
  struct Row {
    const char* what;
    std::vector<int64_t> shape;
    std::vector<int64_t> ids;
  };
  const Row rows[] = {{"id beyond the vocabulary", {1, 2}, {0, int64_t{1} << 40}},
                      {"negative id", {1, 2}, {0, -(int64_t{1} << 40)}},
                      {"windows of one token", {2, 1}, {0, 1}},
                      {"windows of no token", {2, 0}, {}},
                      {"no window", {0, 3}, {}}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const bundle::NamedTensor tensors[] = {
        {"tokens", {ElementType::i64, row.shape, row.ids.data()}}};
    const fs::path path = stage.root / "hostile";
    if (!bundle::save_tensor_file(path, Json::object({}), tensors)) continue;  // can't exist
    FakeSession session;
    Listener listener;
    Result<void> done;
    CHECK_NOTHROW(done = worker::measure_quality(model, session, quality_request(path.string()),
                                                 listener.send()));
    CHECK_FALSE(done);
  }
}

TEST_CASE("a dataset without pictures is an error") {
  const Stage stage;
  const bundle::Bundle model = stage.classifier();
  const int64_t image_shape[] = {0, 3, 2, 2};
  const int64_t label_shape[] = {0, 1};
  const bundle::NamedTensor tensors[] = {{"images", {ElementType::f32, image_shape, nullptr}},
                                         {"labels", {ElementType::i64, label_shape, nullptr}}};
  FakeSession session;
  Listener listener;
  const std::string path = (stage.root / "hostile").string();
  const bool is_saved = bundle::save_tensor_file(path, Json::object({}), tensors).has_value();
  const bool is_judged =
      is_saved &&
      worker::measure_quality(model, session, quality_request(path), listener.send()).has_value();
  CHECK_FALSE(is_judged);
}

TEST_CASE("fewer labels than pictures is an error") {
  const Stage stage;
  const bundle::Bundle model = stage.classifier();
  const int64_t image_shape[] = {2, 3, 2, 2};
  const int64_t label_shape[] = {1, 1};
  const std::vector<float> images(24);
  const int64_t labels[] = {1};
  const bundle::NamedTensor tensors[] = {{"images", {ElementType::f32, image_shape, images.data()}},
                                         {"labels", {ElementType::i64, label_shape, labels}}};
  FakeSession session;
  Listener listener;
  CHECK_FALSE(worker::measure_quality(model, session, quality_request(stage.dataset(tensors)),
                                      listener.send()));
}

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
    CHECK(listener.facts["measured_runs"].as_int() == 20);
    CHECK(listener.facts["measured_pictures"].as_int() == 20);
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
      .workload = {.batch = 2, .prompt_tokens = 5, .generated_tokens = 4},
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
  if (!probes::resident_bytes()) return;
  const Stage stage;
  const bundle::Bundle model = stage.classifier();
  struct Figures {
    size_t count;
    int64_t peak_bytes, scratch_bytes, steady_bytes;
  };
  const auto figures_of = [&](int64_t count) -> Figures {
    SilentSession session;
    Listener listener;
    const wire::Request request = {.limits = {.warmup_count_min = 0, .iteration_count_min = count}};
    REQUIRE(measure(model, session, request, listener));
    return {listener.samples["inference"].size() + listener.samples["warm_up"].size(),
            listener.facts["rss_bytes_peak_run"].as_int(),
            listener.facts["rss_bytes_scratch"].as_int(),
            listener.facts["rss_bytes_steady"].as_int()};
  };
  const Figures few = figures_of(10);
  const Figures many = figures_of(400'000);
  CHECK(few.count == 10);
  CHECK(many.count == 400'000);
  constexpr int64_t mib = 1 << 20;
  CHECK(many.peak_bytes - few.peak_bytes < 2 * mib);
  CHECK(many.steady_bytes - few.steady_bytes < 2 * mib);
  CHECK(many.scratch_bytes - few.scratch_bytes < mib);
}
