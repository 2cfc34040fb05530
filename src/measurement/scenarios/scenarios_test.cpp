// The worker shell with a fake session: what it runs, what it records, what it refuses.
#include "measurement/scenarios/scenarios.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <thread>

#include "measurement/scenarios/fake_session.h"
#include "measurement/worker/timed_loop.h"

using namespace qb;
using namespace qb::scenarios;
using namespace qb::scenarios::fake;
namespace fs = std::filesystem;

TEST_CASE("every task has one scenario") {
  for (const task::Task& task : task::tasks()) {
    CAPTURE(std::string(task.name));
    CHECK(std::ranges::count(scenarios::scenarios(), task.name, &Scenario::task) == 1);
  }
  CHECK(scenarios::scenarios().size() == task::tasks().size());
}

TEST_CASE("a scenario refuses a network that isn't of its task") {
  const Stage stage;
  const bundle::Bundle language_model = stage.language_model();
  const bundle::Bundle classifier = stage.classifier();
  const std::vector<GraphView> graphs = {{"", language_model.graph()}, {"", classifier.graph()}};
  const auto text = classification.check(std::span(graphs).first(1));
  REQUIRE_FALSE(text);
  CHECK(text.error().message.find("pictures") != std::string::npos);
  const auto pictures = language.check(std::span(graphs).last(1));
  REQUIRE_FALSE(pictures);
  CHECK(pictures.error().message.find("tokens and positions") != std::string::npos);
  for (const ModelTask* task : {&language, &classification})
    CHECK(task->check(graphs).error().message.find("2 networks") != std::string::npos);
}

TEST_CASE("a generation is a prefill and then one token a step, fed with the likeliest") {
  const Stage stage;
  FakeSession session;
  Listener listener;
  const wire::Request request = {.workload = {{"prompt_tokens", 5}, {"generated_tokens", 4}},
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
      .workload = {{"prompt_tokens", 5}, {"generated_tokens", 3}, {"depth_tokens", 100}},
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
  const wire::Request request = {.workload = {{"prompt_tokens", 5}, {"generated_tokens", 4}},
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
  const std::vector<NetworkView> asked = {{"", model, judged}};
  REQUIRE(answer_as_when_timed(task_of(model), asked, request, quality.send()));
  CHECK(quality.facts["output_hash"] == listener.facts["output_hash"]);
  request.workload.set("batch", 2);
  Listener of_batch;
  REQUIRE(answer_as_when_timed(task_of(model), asked, request, of_batch.send()));
  CHECK(of_batch.facts.empty());
}

TEST_CASE("a classifier sees other pictures in turn") {
  const Stage stage;
  FakeSession session;
  Listener listener;
  const wire::Request request = {.limits = {.warmup_count_min = 0, .iteration_count_min = 8}};
  REQUIRE(measure(stage.classifier(), session, request, listener));
  REQUIRE(session.calls.size() == 1 + 8 + 5 + 5);    // and the audit's
  CHECK(listener.samples["inference"].size() == 8);  // too few to wait for steadiness
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
  REQUIRE(judge(model, session, quality_request(stage.dataset(tensors)), listener.send()));
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
  REQUIRE(judge(model, writer, request, listener.send()));
  CHECK_FALSE(listener.facts.contains("kl_divergence"));
  request.baseline = std::exchange(request.baseline_output, "");
  FakeSession reader;
  REQUIRE(judge(model, reader, request, listener.send()));
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
    REQUIRE(judge(model, writer, request, listener.send()));
    request.baseline = std::exchange(request.baseline_output, "");
    FakeSession session;
    session.prefers = !is_constant;
    REQUIRE(judge(model, session, request, listener.send()));
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
      const auto done = judge(model, session, quality_request(dataset), listener.send());
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
  REQUIRE(judge(model, flat, request, listener.send()));
  CHECK_FALSE(listener.facts.contains("nll_difference"));
  request.baseline = std::exchange(request.baseline_output, "");
  FakeSession session;
  REQUIRE(judge(model, session, request, listener.send()));
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
    CHECK_NOTHROW(done = judge(model, session, quality_request(path.string()), listener.send()));
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
      is_saved && judge(model, session, quality_request(path), listener.send()).has_value();
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
  CHECK_FALSE(judge(model, session, quality_request(stage.dataset(tensors)), listener.send()));
}
