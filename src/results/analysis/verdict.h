// What a table says in the end: the fastest case, the smallest, the best that answers like fp32.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/record/record.h"
#include "results/analysis/cases.h"
#include "results/metrics/launches.h"

namespace qb::analysis {

// The share of fp32's answers that a case must keep to be "within 1 % of agreement".
inline constexpr double agreement_min = 0.99;

struct Claim {
  std::string_view name;    // stable, for machines: "fastest", "smallest", "best_within_1_percent"
  std::string_view title;   // for people
  std::string_view metric;  // that decides
  std::vector<const Record*> winners;   // several only where their figures are equal
  std::optional<metrics::Ratio> ratio;  // of the winner to its base: speeds, or sizes
  // Those that the figures can't tell from the winner: the 95 % interval of their ratio holds 1.
  std::vector<const Record*> ties;
  std::vector<std::string> reservations;  // what limits the claim, a clause each
  std::string reason;                     // why there is no winner
};

struct Verdict {
  std::string title;                   // "smollm2-135m, prompt of 128 tokens, 32 generated"
  std::vector<const Record*> records;  // what was compared: one model, one workload
  std::vector<Claim> claims;           // always the three, in this order
};

// One verdict for each workload of the group, its threads apart. Only cases that are ok can win;
// quality is compared among those judged on as many items as most.
std::vector<Verdict> judge(const ModelGroup& group);

// "w4g32 onnxruntime, 190 tokens/s ±1.2 %, 4.50x fp32 ±1.4 %; can't be told from q4_0 onnxruntime".
std::string sentence_of(const Claim& claim, const std::vector<const Record*>& records);

// A verdict in words: a line a claim; a single one, without title, where no case is ok.
struct VerdictLine {
  std::string title;
  std::string text;
};
std::vector<VerdictLine> lines_of(const Verdict& verdict);

}  // namespace qb::analysis
