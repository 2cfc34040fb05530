// Quality: the dataset through the session, judged against labels and against a baseline.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "compression/bundle/tensor_file.h"
#include "compression/quality/quality.h"
#include "measurement/worker/run.h"
#include "stats/chunks.h"
#include "stats/stats.h"

namespace qb::worker {
namespace {

using bundle::MatrixWriter;
using bundle::TensorFile;

// The mean of a series, and of its chunks where it is long enough for them: from these the interval
// can be made anew.
void send_series(const wire::Send& send, const std::string& name, std::span<const double> series) {
  send(wire::Fact{name, stats::mean(series)});
  if (const auto chunks = stats::chunk_means(series); !chunks.empty())
    send(wire::Fact{name + "_chunks", Json::array_of(chunks)});
}

// Rows of logits against the baseline's, and into files, as far as they are asked for.
class Judge {
 public:
  static Result<Judge> open(const wire::Request& request, int64_t column_count) {
    Judge judge;
    judge.column_count_ = column_count;
    if (!request.baseline.empty()) {
      QB_TRY(TensorFile file, TensorFile::open(request.baseline));
      judge.file_ = std::move(file);
      QB_TRY(judge.baseline_, judge.file_->find("logits", ElementType::f32, 2));
      if (judge.baseline_.shape[1] != column_count)
        return fail(Errc::bad_input, "{}: has rows of {} logits, the model gives {}",
                    request.baseline, judge.baseline_.shape[1], column_count);
    }
    judge.kept_row_count_ = request.logits_row_count_max;
    const auto add_writer = [&](const std::string& path) {
      if (!path.empty())
        judge.writers_.emplace_back(path, "logits", Json::object({}), column_count);
    };
    add_writer(request.baseline_output);
    judge.whole_writer_count_ = judge.writers_.size();
    add_writer(request.logits_output);
    return judge;
  }

  // `target`: the token that follows in the text.
  Result<void> add(std::span<const float> logits, std::optional<int64_t> target = {}) {
    if (!quality::likeliest(logits)) ++tied_row_count_;
    for (size_t i = 0; i < writers_.size(); ++i)
      if (i < whole_writer_count_ || row_ < kept_row_count_) QB_CHECK(writers_[i].append(logits));
    if (!file_) {
      ++row_;
      return {};
    }
    if (row_ >= baseline_.shape[0])
      return fail(Errc::bad_input, "the baseline has only {} rows", row_);
    const auto row = baseline_.f32().subspan(static_cast<size_t>(row_++ * column_count_),
                                             static_cast<size_t>(column_count_));
    QB_CHECK(divergence_.add(row, logits));
    if (target) baseline_nll_.push_back(quality::negative_log_likelihood(row, *target));
    return {};
  }

  // Of the baseline, in nats, one a row that was added with its target; empty without a baseline.
  std::span<const double> baseline_nll() const { return baseline_nll_; }

  Result<void> finish(const wire::Send& send) {
    for (MatrixWriter& writer : writers_) QB_CHECK(writer.finish());
    send(wire::Fact{"tied_row_count", tied_row_count_});
    if (divergence_.row_count() == 0) return {};
    send_series(send, "kl_divergence", divergence_.kl_divergences());
    send_series(send, "top1_agreement", divergence_.agreements());
    send(wire::Fact{"logit_cosine", divergence_.logit_cosine()});
    send(wire::Fact{"logit_max_abs_difference", divergence_.logit_max_abs_difference()});
    return {};
  }

 private:
  int64_t column_count_ = 0;
  int64_t row_ = 0;
  std::optional<TensorFile> file_;
  TensorView baseline_;
  std::vector<MatrixWriter> writers_;
  size_t whole_writer_count_ = 0;  // the first of them get every row, the others the first rows
  int64_t kept_row_count_ = 0;
  quality::DivergenceAccumulator divergence_;
  std::vector<double> baseline_nll_;
  int64_t tied_row_count_ = 0;  // whose likeliest answer is several
};

// The output of the last run: as many values as the graph says, all of them finite. Whatever is
// judged comes from here.
Result<std::span<const float>> logits_of(const Session& session, size_t count) {
  const auto logits = session.outputs()[0].f32();
  if (logits.size() != count)
    return fail(Errc::framework_failed, "gave {} logits where the graph says {}", logits.size(),
                count);
  if (!quality::are_finite(logits))
    return fail(Errc::framework_failed, "gave a logit that isn't finite");
  return logits;
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
Result<void> judge_text(const bundle::Bundle& bundle, Session& session, const TensorFile& dataset,
                        const wire::Request& request, const wire::Send& send) {
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

Result<void> judge_pictures(const bundle::Bundle& bundle, Session& session,
                            const TensorFile& dataset, const wire::Request& request,
                            const wire::Send& send) {
  QB_TRY(const TensorView images, dataset.find("images", ElementType::f32, 4));
  QB_TRY(const TensorView labels, dataset.find("labels", ElementType::i64, 2));
  const ir::Graph& graph = bundle.graph();
  const ir::Shape& output = graph[graph.outputs[0]].shape;
  const std::vector<int64_t> wanted = ir::bind(graph[graph.of_kind(ir::ValueKind::input)[0]].shape,
                                               {{ir::Symbol::batch, images.shape[0]}});
  if (!std::ranges::equal(wanted, images.shape) || labels.shape[0] != images.shape[0])
    return fail(Errc::bad_input, "{}: {} pictures of [{}] with {} rows of labels do not fit {}",
                request.dataset, images.shape[0], fmt::join(images.shape.subspan(1), ", "),
                labels.shape[0], graph.name);
  QB_TRY(Judge judge, Judge::open(request, output[1].extent));
  const int64_t shape[] = {1, images.shape[1], images.shape[2], images.shape[3]};
  const size_t image_size = images.element_count() / static_cast<size_t>(images.shape[0]);
  const auto label_count = static_cast<size_t>(labels.shape[1]);
  int64_t top1_count = 0;
  int64_t top5_count = 0;
  const int64_t count = request.item_count_max > 0
                            ? std::min(request.item_count_max, images.shape[0])
                            : images.shape[0];
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const TensorView input = {ElementType::f32, shape, images.f32().data() + i * image_size};
    QB_CHECK(session.run({{&input, 1}, 0}));
    QB_TRY(const auto logits, logits_of(session, static_cast<size_t>(output[1].extent)));
    const auto right = labels.i64().subspan(i * label_count, label_count);
    top1_count += quality::in_top_k(logits, 1, right) ? 1 : 0;
    top5_count += quality::in_top_k(logits, 5, right) ? 1 : 0;
    QB_CHECK(judge.add(logits));
  }
  send(wire::Fact{"picture_count", count});
  if (bundle.weights_origin() == "pretrained") {
    const auto picture_count = static_cast<double>(count);
    send(wire::Fact{"top1_accuracy", static_cast<double>(top1_count) / picture_count});
    send(wire::Fact{"top5_accuracy", static_cast<double>(top5_count) / picture_count});
  }
  return judge.finish(send);
}

}  // namespace

Result<void> measure_quality(const bundle::Bundle& bundle, Session& session,
                             const wire::Request& request, const wire::Send& send) {
  QB_TRY(const TensorFile dataset, TensorFile::open(request.dataset));
  send(wire::PhaseStarted{"quality"});
  send(wire::Fact{"dataset_hash", dataset.content_hash()});
  return is_language_model(bundle.graph())
             ? judge_text(bundle, session, dataset, request, send)
             : judge_pictures(bundle, session, dataset, request, send);
}

}  // namespace qb::worker
