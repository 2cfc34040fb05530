// Sentences to vectors: a batch of them a step, each as long as the workload says; judged by
// whether the same neighbours are found with them.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/rng.h"
#include "compression/quality/retrieval.h"
#include "measurement/scenarios/judge.h"
#include "measurement/scenarios/model_run.h"
#include "measurement/worker/steps.h"

namespace qb::scenarios {
namespace {

using namespace worker;  // the protocol's words: Session, Steps, Measuring, …

// How many tokens there are: the rows of the table that the input "tokens" is looked up in.
int64_t vocabulary_of(const ir::Graph& graph) {
  const auto node = std::ranges::find(graph.nodes, ir::Op::embedding, &ir::Node::op);
  return node == graph.nodes.end() ? 1 : graph[node->inputs[1]].shape[0].extent;
}

// Sentences of made-up tokens that differ, in turn. None is padded: the workload says how long
// they are.
class Sentences {
 public:
  Sentences(const ir::Graph& graph, const wire::Request& request, Session& session)
      : shape_({request.workload.batch(), request.workload.integer("tokens", 1)}),
        vocabulary_(static_cast<uint64_t>(vocabulary_of(graph))),
        session_(session),
        rng_(derive_seed(request.seed, "sentences")),
        mask_(static_cast<size_t>(shape_[0] * shape_[1]), 1) {
    for (std::vector<int64_t>& tokens : batches_) draw(tokens);
  }
  Result<void> stage(int64_t number) { return stage_tokens(batches_[number % input_count]); }
  // Sentences that no run has seen.
  Result<void> stage_fresh() {
    draw(fresh_);
    return stage_tokens(fresh_);
  }
  Result<void> run() { return session_.run({staged_, 0}); }

 private:
  void draw(std::vector<int64_t>& tokens) {
    tokens.resize(mask_.size());
    for (int64_t& token : tokens) token = static_cast<int64_t>(rng_.below(vocabulary_));
  }
  Result<void> stage_tokens(const std::vector<int64_t>& tokens) {
    staged_ = {TensorView{ElementType::i64, shape_, tokens.data()},
               TensorView{ElementType::i64, shape_, mask_.data()}};
    return session_.stage({staged_, 0});
  }

  std::array<int64_t, 2> shape_;
  uint64_t vocabulary_;
  Session& session_;
  Rng rng_;
  std::vector<int64_t> mask_;
  std::vector<int64_t> batches_[input_count];
  std::vector<int64_t> fresh_;
  std::array<TensorView, 2> staged_;
};

Result<void> measure_speed(Networks networks, const wire::Request& request, Measuring& measuring,
                           const wire::Send& send) {
  const auto& [name, bundle, session] = networks[0];
  if (request.workload.integer("tokens") < 1)
    return fail(Errc::bad_input, "an encoder of sentences needs tokens");
  Sentences sentences(bundle.graph(), request, session);
  return measure_steps({.stage = [&](int64_t i) { return sentences.stage(i); },
                        .run = [&] { return sentences.run(); },
                        .hash_outputs = [&] { return hash_of_logits(session); },
                        .stage_fresh = [&] { return sentences.stage_fresh(); },
                        .item = "sentences",
                        .item_count = request.workload.batch()},
                       request, measuring, send);
}

// The dataset's sentences, of which the mask says how long each is.
struct Corpus {
  TensorView tokens, mask;
  int64_t count = 0;

  std::span<const int64_t> row_of(const TensorView& tensor, int64_t sentence) const {
    const auto width = static_cast<size_t>(tensor.shape[1]);
    return tensor.i64().subspan(static_cast<size_t>(sentence) * width, width);
  }
  int64_t length_of(int64_t sentence) const {
    const auto row = row_of(mask, sentence);
    return std::ranges::find(row, 0) - row.begin();
  }
};

Result<Corpus> read_corpus(const bundle::TensorFile& dataset, const wire::Request& request,
                           int64_t vocabulary) {
  Corpus corpus;
  QB_TRY(corpus.tokens, dataset.find("tokens", ElementType::i64, 2));
  QB_TRY(corpus.mask, dataset.find("mask", ElementType::i64, 2));
  corpus.count = corpus.tokens.shape[0];
  if (request.item_count_max > 0) corpus.count = std::min(corpus.count, request.item_count_max);
  if (!std::ranges::equal(corpus.tokens.shape, corpus.mask.shape) || corpus.count < 3)
    return fail(Errc::bad_input, "{}: {} sentences with masks of [{}]: three are needed at least",
                request.dataset, corpus.count, fmt::join(corpus.mask.shape, ", "));
  for (int64_t i = 0; i < corpus.count; ++i)
    if (corpus.length_of(i) == 0)
      return fail(Errc::bad_input, "{}: sentence {} has no token", request.dataset, i);
  for (const int64_t id : corpus.tokens.i64())
    if (id < 0 || id >= vocabulary)
      return fail(Errc::bad_input, "{}: token {} is outside the vocabulary of {}", request.dataset,
                  id, vocabulary);
  return corpus;
}

void send_retrieval(const wire::Send& send, const quality::Retrieval& retrieval) {
  send_series(send, "embedding_cosine", retrieval.cosines);
  send(wire::Fact{"embedding_cosine_min", std::ranges::min(retrieval.cosines)});
  send_series(send, "top1_agreement", retrieval.top1_agreements);
  if (retrieval.top10_overlap) send(wire::Fact{"top10_overlap", *retrieval.top10_overlap});
  send(wire::Fact{"rank_correlation", retrieval.rank_correlation});
}

Result<void> measure_quality(Networks networks, const bundle::TensorFile& dataset,
                             const wire::Request& request, const wire::Send& send) {
  const auto& [name, bundle, session] = networks[0];
  const ir::Graph& graph = bundle.graph();
  QB_TRY(const Corpus corpus, read_corpus(dataset, request, vocabulary_of(graph)));
  const int64_t width = graph[graph.outputs[0]].shape[1].extent;
  QB_TRY(Rows rows, Rows::open(request, "embeddings", width));
  std::vector<float> reference;
  std::vector<float> vectors;
  for (int64_t i = 0; i < corpus.count; ++i) {
    const int64_t shape[] = {1, corpus.length_of(i)};
    const TensorView inputs[] = {{ElementType::i64, shape, corpus.row_of(corpus.tokens, i).data()},
                                 {ElementType::i64, shape, corpus.row_of(corpus.mask, i).data()}};
    QB_CHECK(session.run({inputs, 0}));
    QB_TRY(const auto vector, answer_of(session, static_cast<size_t>(width), "value"));
    vectors.insert(vectors.end(), vector.begin(), vector.end());
    QB_TRY(const auto wanted, rows.add(vector));
    reference.insert(reference.end(), wanted.begin(), wanted.end());
  }
  QB_CHECK(rows.finish());
  send(wire::Fact{"sentence_count", corpus.count});
  if (!reference.empty())
    send_retrieval(send,
                   quality::compare_retrieval(reference, vectors, static_cast<size_t>(width)));
  return {};
}

Result<void> check(std::span<const GraphView> graphs) {
  QB_TRY(const ir::Graph* only, only_graph(graphs));
  const ir::Graph& graph = *only;
  std::vector<std::string> names;
  for (const ir::Value input : graph.of_kind(ir::ValueKind::input))
    names.push_back(graph[input].name);
  if (names == std::vector<std::string>{"tokens", "mask"} &&
      graph[graph.outputs[0]].shape.size() == 2)
    return {};
  return fail(
      Errc::bad_input,
      "{}: takes [{}] and gives {}, an encoder of sentences takes tokens and mask and gives "
      "a vector of each",
      graph.name, fmt::join(names, ", "), to_string(graph[graph.outputs[0]].shape));
}

Result<int64_t> context_tokens(const wire::Request&, const bundle::TensorFile*) { return 0; }

Result<std::string> answer_first(Networks networks, const wire::Request& request) {
  const auto& [name, bundle, session] = networks[0];
  if (request.workload.integer("tokens") < 1) return std::string();
  Sentences sentences(bundle.graph(), request, session);
  QB_CHECK(sentences.stage(0));
  QB_CHECK(sentences.run());
  return hash_of_logits(session);
}

}  // namespace

const ModelTask embedding = {check, context_tokens, measure_speed, measure_quality, answer_first};

Result<void> run_embedding(Engine& engine, const wire::Request& request, const wire::Send& send) {
  return run_model(embedding, engine, request, send);
}

}  // namespace qb::scenarios
