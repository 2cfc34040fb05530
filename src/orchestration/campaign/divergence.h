// How far the frameworks' answers lie apart on the same bits.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "measurement/record/record.h"

namespace qb::campaign {

// Rows of logits that a quality launch keeps for this: positions of a text, or pictures.
inline constexpr int64_t kept_row_count = 128;

// Each row of `logits` against the same row of `others`, as far as both go. Both files hold the
// tensor "logits" f32 [rows, classes]. {"rows", "top1_agreement", "kl_divergence" (nats, of this
// one's distribution from the other's), "logit_max_abs_difference"}. Of "embeddings" f32 [rows,
// width] "top1_agreement" tells of the nearest other row, and there is no "kl_divergence". Errors:
// unreadable files, rows of different lengths, logits that aren't finite.
Result<Json> compare_logits(const std::filesystem::path& logits,
                            const std::filesystem::path& others);

// Of a run's cases: which are the same bits under the same workload in several frameworks, and
// where their logits lie meanwhile.
class Divergence {
 public:
  Divergence(std::filesystem::path folder, const std::vector<Record>& records)
      : folder_(std::move(folder)), records_(records) {}

  // Where a quality launch of the record is to keep its logits; empty when nothing is to compare.
  std::filesystem::path kept_logits(const Record& record) const;
  // Once the launches are done: the record's manifest gets "divergence", with the framework "from"
  // which it was taken: the first of those that run these bits. Nothing where there is none.
  void note(Record& record) const;
  // Removes the files, once nothing more is to be compared: a run that was interrupted keeps them.
  void forget() const;

 private:
  std::filesystem::path path_of(const Record& record) const;
  const Record* lead_of(const Record& record) const;

  std::filesystem::path folder_;
  const std::vector<Record>& records_;
};

}  // namespace qb::campaign
