#include "measurement/scenarios/judge.h"

#include "base/hash.h"
#include "stats/chunks.h"
#include "stats/stats.h"

namespace qb::scenarios {

using bundle::MatrixWriter;
using bundle::TensorFile;

void send_series(const wire::Send& send, const std::string& name, std::span<const double> series) {
  send(wire::Fact{name, stats::mean(series)});
  if (const auto chunks = stats::chunk_means(series); !chunks.empty())
    send(wire::Fact{name + "_chunks", Json::array_of(chunks)});
}

Result<Rows> Rows::open(const wire::Request& request, std::string name, int64_t column_count) {
  Rows rows;
  rows.column_count_ = column_count;
  if (!request.baseline.empty()) {
    QB_TRY(TensorFile file, TensorFile::open(request.baseline));
    rows.file_ = std::move(file);
    QB_TRY(rows.baseline_, rows.file_->find(name, ElementType::f32, 2));
    if (rows.baseline_.shape[1] != column_count)
      return fail(Errc::bad_input, "{}: has rows of {} {}, the model gives {}", request.baseline,
                  rows.baseline_.shape[1], name, column_count);
  }
  rows.kept_row_count_ = request.logits_row_count_max;
  const auto add_writer = [&](const std::string& path) {
    if (!path.empty()) rows.writers_.emplace_back(path, name, Json::object({}), column_count);
  };
  add_writer(request.baseline_output);
  rows.whole_writer_count_ = rows.writers_.size();
  add_writer(request.logits_output);
  return rows;
}

Result<std::span<const float>> Rows::add(std::span<const float> row) {
  for (size_t i = 0; i < writers_.size(); ++i)
    if (i < whole_writer_count_ || row_ < kept_row_count_) QB_CHECK(writers_[i].append(row));
  const int64_t place = row_++;
  if (!file_) return std::span<const float>();
  if (place >= baseline_.shape[0])
    return fail(Errc::bad_input, "the baseline has only {} rows", place);
  return baseline_.f32().subspan(static_cast<size_t>(place * column_count_),
                                 static_cast<size_t>(column_count_));
}

Result<void> Rows::finish() {
  for (MatrixWriter& writer : writers_) QB_CHECK(writer.finish());
  return {};
}

Result<Judge> Judge::open(const wire::Request& request, int64_t column_count) {
  QB_TRY(Rows rows, Rows::open(request, "logits", column_count));
  return Judge(std::move(rows));
}

Result<void> Judge::add(std::span<const float> logits, std::optional<int64_t> target) {
  if (!quality::likeliest(logits)) ++tied_row_count_;
  QB_TRY(const auto row, rows_.add(logits));
  if (row.empty()) return {};
  QB_CHECK(divergence_.add(row, logits));
  if (target) baseline_nll_.push_back(quality::negative_log_likelihood(row, *target));
  return {};
}

Result<void> Judge::finish(const wire::Send& send) {
  QB_CHECK(rows_.finish());
  send(wire::Fact{"tied_row_count", tied_row_count_});
  if (divergence_.row_count() == 0) return {};
  send_series(send, "kl_divergence", divergence_.kl_divergences());
  send_series(send, "top1_agreement", divergence_.agreements());
  send(wire::Fact{"logit_cosine", divergence_.logit_cosine()});
  send(wire::Fact{"logit_max_abs_difference", divergence_.logit_max_abs_difference()});
  return {};
}

Result<std::span<const float>> answer_of(const worker::Session& session, size_t count,
                                         std::string_view value) {
  const auto answer = session.outputs()[0].f32();
  if (answer.size() != count)
    return fail(Errc::framework_failed, "gave {} {}s where the graph says {}", answer.size(), value,
                count);
  if (!quality::are_finite(answer))
    return fail(Errc::framework_failed, "gave a {} that isn't finite", value);
  return answer;
}

Result<std::span<const float>> logits_of(const worker::Session& session, size_t count) {
  return answer_of(session, count, "logit");
}

Result<std::string> hash_of_logits(const worker::Session& session) {
  Hasher hasher;
  for (const TensorView& output : session.outputs()) {
    if (!quality::are_finite(output.f32()))
      return fail(Errc::framework_failed, "a run gave a logit that isn't finite");
    hasher.update(output.bytes());
  }
  return hasher.hex();
}

}  // namespace qb::scenarios
