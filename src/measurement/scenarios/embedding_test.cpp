// Sentences to vectors with a fake session: what it is fed with, what is judged, what is refused.
#include <cmath>
#include <set>

#include "measurement/scenarios/fake_session.h"
#include "measurement/scenarios/scenarios.h"

using namespace qb;
using namespace qb::scenarios;
using namespace qb::scenarios::fake;

namespace {

// A sentence's vector points to the angle of its first token, in degrees, times `stretch`.
class AngleSession : public worker::Session {
 public:
  Result<void> run(const worker::StepInputs& inputs) override {
    const TensorView& tokens = inputs.tensors[0];
    const TensorView& mask = inputs.tensors[1];
    calls.push_back({{tokens.i64().begin(), tokens.i64().end()},
                     {mask.i64().begin(), mask.i64().end()},
                     tokens.shape[1]});
    values_.clear();
    for (int64_t row = 0; row < tokens.shape[0]; ++row) {
      const auto first = tokens.i64()[static_cast<size_t>(row * tokens.shape[1])];
      const double angle = stretch * static_cast<double>(first) / 57.3;
      values_.push_back(static_cast<float>(std::cos(angle)));
      values_.push_back(is_finite ? static_cast<float>(std::sin(angle)) : NAN);
    }
    shape_ = {tokens.shape[0], 2};
    output_ = {ElementType::f32, shape_, values_.data()};
    return {};
  }
  std::span<const TensorView> outputs() const override { return {&output_, 1}; }
  Json actual() const override { return Json::object({}); }

  struct Call {
    std::vector<int64_t> tokens, mask;
    int64_t length = 0;
  };
  std::vector<Call> calls;
  double stretch = 1.0;
  bool is_finite = true;

 private:
  std::vector<float> values_;
  std::vector<int64_t> shape_;
  TensorView output_;
};

constexpr int64_t token_count = 90;

struct Encoder {
  Stage stage;
  bundle::Bundle bundle = make();

  bundle::Bundle make() const {
    ir::Builder b("tiny");
    const ir::Shape shape = {ir::Symbol::batch, ir::Symbol::sequence};
    const ir::Value tokens = b.input("tokens", ElementType::i64, shape);
    const ir::Value mask = b.input("mask", ElementType::i64, shape);
    const ir::Value x = b.embedding(tokens, b.parameter("table", {token_count, 2}));
    b.output(b.apply(ir::Op::mean_tokens, {x, mask}));
    return stage.bundle_of(b.finish().value());
  }
  // Sentences of so many tokens each, padded with 0.
  std::string dataset(const std::vector<std::vector<int64_t>>& sentences, int64_t width = 4) const {
    std::vector<int64_t> tokens;
    std::vector<int64_t> mask;
    for (const auto& sentence : sentences) {
      tokens.insert(tokens.end(), sentence.begin(), sentence.end());
      mask.insert(mask.end(), sentence.size(), 1);
      tokens.resize(mask.size() + static_cast<size_t>(width) - sentence.size());
      mask.resize(tokens.size());
    }
    const int64_t shape[] = {std::ssize(sentences), width};
    const bundle::NamedTensor tensors[] = {{"tokens", {ElementType::i64, shape, tokens.data()}},
                                           {"mask", {ElementType::i64, shape, mask.data()}}};
    return stage.dataset(tensors);
  }
  Result<void> judge(worker::Session& session, const wire::Request& request,
                     Listener& listener) const {
    QB_TRY(const bundle::TensorFile dataset, bundle::TensorFile::open(request.dataset));
    const std::vector<NetworkView> only = {{"", bundle, session}};
    return embedding.measure_quality(only, dataset, request, listener.send());
  }
};

const std::vector<std::vector<int64_t>> sentences = {{0, 5}, {10, 5, 7, 9}, {25}, {60, 3, 2}};

}  // namespace

TEST_CASE("a batch of sentences is a step, and four batches come in turn") {
  const Encoder encoder;
  AngleSession session;
  Listener listener;
  const wire::Request request = {.workload = {{"batch", 3}, {"tokens", 5}},
                                 .limits = {.warmup_count_min = 0, .iteration_count_min = 8}};
  const std::vector<NetworkView> only = {{"", encoder.bundle, session}};
  worker::SampleRoom room;
  worker::Measuring measuring(room, probes::resident_parts());
  REQUIRE(embedding.measure_speed(only, request, measuring, listener.send()));
  measuring.send({}, listener.send());
  std::set<std::vector<int64_t>> seen;
  for (size_t i = 0; i < 9; ++i) {
    const AngleSession::Call& call = session.calls[i];
    CHECK(call.tokens.size() == 15);
    CHECK(call.length == 5);
    CHECK(call.mask == std::vector<int64_t>(15, 1));
    for (const int64_t token : call.tokens) CHECK((token >= 0 && token < token_count));
    seen.insert(call.tokens);
  }
  CHECK(seen.size() == 4);
  CHECK(listener.samples["inference"].size() == 8);
  CHECK(listener.facts["measured_sentences"].as_int() == 24);
}

TEST_CASE("a workload without tokens is refused") {
  const Encoder encoder;
  AngleSession session;
  const std::vector<NetworkView> only = {{"", encoder.bundle, session}};
  worker::SampleRoom room;
  worker::Measuring measuring(room, probes::resident_parts());
  CHECK_FALSE(embedding.measure_speed(only, {}, measuring, Listener().send()));
}

TEST_CASE("each sentence is judged at its own length, by the neighbours that it finds") {
  const Encoder encoder;
  AngleSession session;
  Listener first;
  wire::Request request = quality_request(encoder.dataset(sentences));
  request.baseline_output = (encoder.stage.root / "baseline").string();
  REQUIRE(encoder.judge(session, request, first));
  REQUIRE(session.calls.size() == 4);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(session.calls[i].tokens == sentences[i]);
    CHECK(session.calls[i].mask == std::vector<int64_t>(sentences[i].size(), 1));
  }
  CHECK(first.facts["sentence_count"].as_int() == 4);
  CHECK_FALSE(first.facts.contains("top1_agreement"));

  request.baseline = std::exchange(request.baseline_output, "");
  Listener same;
  REQUIRE(encoder.judge(session, request, same));
  CHECK(same.facts["top1_agreement"].as_double() == 1.0);
  CHECK(same.facts["embedding_cosine"].as_double() == doctest::Approx(1.0));
  CHECK(same.facts["rank_correlation"].as_double() == doctest::Approx(1.0));
  CHECK_FALSE(same.facts.contains("top10_overlap"));  // there are not twenty to find

  session.stretch = 6.5;  // wraps around: 0, 65, 162.5, 390
  Listener turned;
  REQUIRE(encoder.judge(session, request, turned));
  CHECK(turned.facts["top1_agreement"].as_double() < 1.0);
  CHECK(turned.facts["embedding_cosine_min"].as_double() <
        turned.facts["embedding_cosine"].as_double());
}

TEST_CASE("only the first sentences are judged where fewer are asked for") {
  const Encoder encoder;
  AngleSession session;
  Listener listener;
  wire::Request request = quality_request(encoder.dataset(sentences));
  request.item_count_max = 3;
  REQUIRE(encoder.judge(session, request, listener));
  CHECK(session.calls.size() == 3);
  CHECK(listener.facts["sentence_count"].as_int() == 3);
}

TEST_CASE("sentences that can't be judged are refused") {
  const Encoder encoder;
  AngleSession session;
  Listener listener;
  const auto problem_of = [&](const std::vector<std::vector<int64_t>>& given) {
    const auto done = encoder.judge(session, quality_request(encoder.dataset(given)), listener);
    return done ? std::string() : done.error().message;
  };
  CHECK(problem_of({{1}, {2}}).find("three are needed") != std::string::npos);
  CHECK(problem_of({{1}, {}, {2}}).find("sentence 1 has no token") != std::string::npos);
  CHECK(problem_of({{1}, {2}, {token_count}}).find("outside the vocabulary") != std::string::npos);
  session.is_finite = false;
  CHECK(problem_of(sentences).find("isn't finite") != std::string::npos);
}

TEST_CASE("a network that isn't an encoder of sentences is refused, and an encoder elsewhere") {
  const Encoder encoder;
  const bundle::Bundle language_model = encoder.stage.language_model();
  const std::vector<GraphView> graphs = {{"", language_model.graph()},
                                         {"", encoder.bundle.graph()}};
  CHECK(embedding.check(std::span(graphs).last(1)));
  const auto refused = embedding.check(std::span(graphs).first(1));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("tokens and mask") != std::string::npos);
  CHECK_FALSE(language.check(std::span(graphs).last(1)));
  CHECK_FALSE(classification.check(std::span(graphs).last(1)));
  CHECK_FALSE(embedding.check(graphs));
}
