// What answers are worth: rows of them against a baseline's, and into files, as far as they are
// asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compression/bundle/tensor_file.h"
#include "compression/quality/quality.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"
#include "measurement/worker/engine.h"

namespace qb::scenarios {

// The mean of a series, and of its chunks where it is long enough for them: from these the interval
// can be made anew.
void send_series(const wire::Send& send, const std::string& name, std::span<const double> series);

// Rows of answers, in the tensor `name` of the files that the request names.
class Rows {
 public:
  // Errors: the request's baseline can't be read, or has rows of another length.
  static Result<Rows> open(const wire::Request& request, std::string name, int64_t column_count);

  // Writes the row where rows are asked for. The baseline's of the same place; empty without a
  // baseline. Error: it has no more.
  Result<std::span<const float>> add(std::span<const float> row);
  Result<void> finish();

 private:
  int64_t column_count_ = 0;
  int64_t row_ = 0;
  std::optional<bundle::TensorFile> file_;
  TensorView baseline_;
  std::vector<bundle::MatrixWriter> writers_;
  size_t whole_writer_count_ = 0;  // the first of them get every row, the others the first rows
  int64_t kept_row_count_ = 0;
};

// Of logits.
class Judge {
 public:
  // Errors: as of Rows.
  static Result<Judge> open(const wire::Request& request, int64_t column_count);

  // `target`: the token that follows in the text.
  Result<void> add(std::span<const float> logits, std::optional<int64_t> target = {});

  // Of the baseline, in nats, one a row that was added with its target; empty without a baseline.
  std::span<const double> baseline_nll() const { return baseline_nll_; }

  Result<void> finish(const wire::Send& send);

 private:
  explicit Judge(Rows rows) : rows_(std::move(rows)) {}

  Rows rows_;
  quality::DivergenceAccumulator divergence_;
  std::vector<double> baseline_nll_;
  int64_t tied_row_count_ = 0;  // whose likeliest answer is several
};

// The first output of the last run: as many values as the graph says, all of them finite. Whatever
// is judged comes from here.
Result<std::span<const float>> answer_of(const worker::Session& session, size_t count,
                                         std::string_view value);
Result<std::span<const float>> logits_of(const worker::Session& session, size_t count);

// Of all outputs of the last run. Error: one that isn't finite.
Result<std::string> hash_of_logits(const worker::Session& session);

}  // namespace qb::scenarios
