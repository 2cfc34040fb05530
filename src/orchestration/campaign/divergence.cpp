#include "orchestration/campaign/divergence.h"

#include <algorithm>
#include <cmath>

#include "compression/bundle/tensor_file.h"
#include "compression/quality/quality.h"
#include "compression/quality/retrieval.h"
#include "stats/stats.h"

namespace qb::campaign {
namespace fs = std::filesystem;
namespace {

bool are_same_bits(const Case& a, const Case& b) {
  return a.model == b.model && a.scheme == b.scheme && a.device == b.device &&
         a.workload == b.workload && a.framework != b.framework;
}

// Rows of the same items.
Json compare_embeddings(std::span<const float> own, std::span<const float> other, size_t width) {
  const quality::Retrieval retrieval = quality::compare_retrieval(other, own, width);
  double difference = 0.0;
  for (size_t i = 0; i < own.size(); ++i)
    difference = std::max(difference, std::fabs(static_cast<double>(own[i]) - other[i]));
  return Json::object({{"rows", static_cast<int64_t>(own.size() / width)},
                       {"top1_agreement", stats::mean(retrieval.top1_agreements)},
                       {"logit_max_abs_difference", difference}});
}

}  // namespace

Result<Json> compare_logits(const fs::path& logits, const fs::path& others) {
  QB_TRY(const bundle::TensorFile file, bundle::TensorFile::open(logits));
  QB_TRY(const bundle::TensorFile other_file, bundle::TensorFile::open(others));
  const std::string_view name = file.contains("embeddings") ? "embeddings" : "logits";
  QB_TRY(const TensorView own, file.find(name, ElementType::f32, 2));
  QB_TRY(const TensorView other, other_file.find(name, ElementType::f32, 2));
  if (own.shape[1] != other.shape[1])
    return fail(Errc::bad_input, "{} has rows of {} {}, {} of {}", logits.string(), own.shape[1],
                name, others.string(), other.shape[1]);
  const auto width = static_cast<size_t>(own.shape[1]);
  const auto row_count = static_cast<size_t>(std::min(own.shape[0], other.shape[0]));
  if (row_count == 0) return fail(Errc::bad_input, "{}: no rows", logits.string());
  if (name == "embeddings" && row_count < 3)
    return fail(Errc::bad_input, "{}: {} vectors have too few neighbours", logits.string(),
                row_count);
  if (name == "embeddings")
    return compare_embeddings(own.f32().first(row_count * width),
                              other.f32().first(row_count * width), width);
  quality::DivergenceAccumulator divergence;
  for (size_t row = 0; row < row_count; ++row)
    QB_CHECK(divergence.add(other.f32().subspan(row * width, width),
                            own.f32().subspan(row * width, width)));
  return Json::object({{"rows", divergence.row_count()},
                       {"top1_agreement", divergence.top1_agreement()},
                       {"kl_divergence", divergence.kl_divergence()},
                       {"logit_max_abs_difference", divergence.logit_max_abs_difference()}});
}

void Divergence::forget() const {
  std::error_code ignored;
  for (const Record& record : records_) fs::remove(path_of(record), ignored);
}

fs::path Divergence::path_of(const Record& record) const {
  return folder_ / fmt::format("{}.logits", record.position);
}

// The first that runs the same bits and kept its logits; the record itself may come before.
const Record* Divergence::lead_of(const Record& record) const {
  const auto lead = std::ranges::find_if(records_, [&](const Record& other) {
    return &other == &record ||
           (are_same_bits(other.subject, record.subject) && fs::exists(path_of(other)));
  });
  return lead == records_.end() || &*lead == &record ? nullptr : &*lead;
}

fs::path Divergence::kept_logits(const Record& record) const {
  const bool is_alone = std::ranges::none_of(records_, [&](const Record& other) {
    return are_same_bits(other.subject, record.subject) && other.outcome == Outcome::ok;
  });
  return is_alone ? fs::path() : path_of(record);
}

void Divergence::note(Record& record) const {
  const Record* lead = lead_of(record);
  if (!lead || !fs::exists(path_of(record))) return;
  Result<Json> divergence = compare_logits(path_of(record), path_of(*lead));
  if (divergence)
    record.manifest.set("divergence", divergence->set("from", lead->subject.framework));
  else
    record.manifest.set("divergence", Json::object({{"from", lead->subject.framework},
                                                    {"problem", divergence.error().message}}));
}

}  // namespace qb::campaign
