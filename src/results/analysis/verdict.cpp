#include "results/analysis/verdict.h"

#include <algorithm>
#include <map>

#include "base/units.h"
#include "results/analysis/table.h"

namespace qb::analysis {
namespace {

using Records = std::vector<const Record*>;

constexpr std::string_view agreement = "top1_agreement";
constexpr std::string_view size = "bundle_bytes";

std::optional<double> value_of(const Record& record, std::string_view metric) {
  const Measurement* m = find_measurement(record, metric);
  return m ? m->value : std::nullopt;
}

std::string figure_of(const Record& record, std::string_view metric) {
  return figure_text(*find_measurement(record, metric), *metrics::find_metric(metric));
}

bool is_unquantized(const Record& record) { return record.subject.scheme == "fp32"; }

// Those that are ok and have the figure.
Records candidates_of(const Records& records, std::string_view metric) {
  Records candidates;
  for (const Record* record : records)
    if (is_ok(*record) && value_of(*record, metric)) candidates.push_back(record);
  return candidates;
}

const Record* fastest_of(const Records& candidates) {
  return *std::ranges::max_element(candidates, {}, [](const Record* record) {
    return *value_of(*record, metrics::speed_metric(*record));
  });
}

// The fastest of the candidates, and who ties with it. There must be one.
void crown_fastest(const Records& candidates, const Records& records, Claim& claim) {
  const Record* winner = fastest_of(candidates);
  claim.winners = {winner};
  claim.metric = metrics::speed_metric(*winner);
  if (const Record* base = find_base(*winner, records); base && base != winner)
    claim.ratio = metrics::speed_ratio(*winner, *base);
  Records unknown;
  for (const Record* other : candidates) {
    if (other == winner) continue;
    const auto ratio = metrics::speed_ratio(*other, *winner);
    if (!ratio || !ratio->interval)
      unknown.push_back(other);
    else if (ratio->interval->high >= 1.0)
      claim.ties.push_back(other);
  }
  if (!unknown.empty())
    claim.reservations.push_back(fmt::format("too few launches to tell how near {}",
                                             unknown.size() == 1
                                                 ? name_cases(unknown, records) + " is"
                                                 : std::string("the others are")));
}

// A case that did not settle can't win; that it was faster is said.
void add_unstable(const Records& records, Claim& claim) {
  Records faster;
  const double best = *value_of(*claim.winners[0], claim.metric);
  for (const Record* record : records)
    if (record->outcome == Outcome::unstable &&
        value_of(*record, claim.metric).value_or(0.0) > best)
      faster.push_back(record);
  if (!faster.empty())
    claim.reservations.push_back(
        fmt::format("{} measured faster but did not settle", name_cases(faster, records)));
}

Claim find_fastest(const Records& records) {
  Claim claim = {.name = "fastest", .title = "fastest"};
  claim.metric = metrics::speed_metric(*records.front());
  const Records candidates = candidates_of(records, claim.metric);
  if (candidates.empty()) {
    claim.reason = "no case is ok and has a speed";
    return claim;
  }
  crown_fastest(candidates, records, claim);
  add_unstable(records, claim);
  return claim;
}

Claim find_smallest(const Records& records) {
  Claim claim = {.name = "smallest", .title = "smallest", .metric = size};
  const Records candidates = candidates_of(records, size);
  if (candidates.empty()) {
    claim.reason = "no case is ok and has a size";
    return claim;
  }
  const auto bytes = [](const Record* record) { return *value_of(*record, size); };
  const double least = bytes(*std::ranges::min_element(candidates, {}, bytes));
  std::ranges::copy_if(candidates, std::back_inserter(claim.winners),
                       [&](const Record* record) { return bytes(record) == least; });
  const Record* base = find_base(*claim.winners[0], records);
  if (base && base != claim.winners[0] && value_of(*base, size))
    claim.ratio = metrics::Ratio{.value = least / bytes(base)};
  return claim;
}

// Why the winner's agreement, or that of a faster case beside it, may lie on the other side of the
// limit: the interval says so.
void add_doubts(const Records& judged, const Records& records, Claim& claim) {
  const Record& winner = *claim.winners[0];
  const Measurement& own = *find_measurement(winner, agreement);
  if (!own.low && !is_unquantized(winner))
    claim.reservations.emplace_back("its agreement has no interval");
  else if (own.low && *own.low < agreement_min && !is_unquantized(winner))
    claim.reservations.push_back(
        fmt::format("its agreement may be as low as {}", format_quantity(*own.low, "1")));
  const double speed = *value_of(winner, claim.metric);
  Records doubtful;
  for (const Record* record : judged) {
    const Measurement& m = *find_measurement(*record, agreement);
    const bool may_belong = *m.value < agreement_min && m.high && *m.high >= agreement_min;
    if (may_belong && value_of(*record, claim.metric).value_or(0.0) > speed)
      doubtful.push_back(record);
  }
  if (!doubtful.empty())
    claim.reservations.push_back(fmt::format("{} may belong too and {} faster",
                                             name_cases(doubtful, records),
                                             doubtful.size() == 1 ? "is" : "are"));
}

// "mlx not compared: judged on 52 pictures, not on 156", for each such number.
void add_unlike(const Records& unlike, const Records& records, Claim& claim) {
  std::map<int64_t, Records> by_count;
  for (const Record* record : unlike) by_count[*judged_item_count(*record)].push_back(record);
  for (const auto& [count, judged] : by_count)
    claim.reservations.push_back(fmt::format("{} not compared: judged on {} {}, not on {}",
                                             name_cases(judged, records), count,
                                             item_noun(*judged[0]), *usual_item_count(records)));
}

// A case that was faster and has no agreement might have won.
void add_unjudged(const Records& records, Claim& claim) {
  const double best = *value_of(*claim.winners[0], claim.metric);
  Records unjudged;
  for (const Record* record : candidates_of(records, claim.metric))
    if (!value_of(*record, agreement) && *value_of(*record, claim.metric) > best)
      unjudged.push_back(record);
  if (!unjudged.empty())
    claim.reservations.push_back(
        fmt::format("{} measured faster but without agreement", name_cases(unjudged, records)));
}

std::string why_none_agrees(const Records& judged, const Records& records) {
  if (judged.empty()) {
    const Measurement* m = find_measurement(*records.front(), agreement);
    return m && !m->reason.empty() ? "no agreement: " + m->reason : "no case has an agreement";
  }
  const Record* nearest = *std::ranges::max_element(
      judged, {}, [](const Record* record) { return *value_of(*record, agreement); });
  return fmt::format("none keeps {:.0f} % of fp32's answers; the nearest is {}, agreement {}",
                     agreement_min * 100.0, short_label_of(*nearest, records),
                     figure_of(*nearest, agreement));
}

Claim find_best_alike(const Records& records) {
  Claim claim = {.name = "best_within_1_percent",
                 .title = "fastest within 1 % of fp32's answers",
                 .metric = metrics::speed_metric(*records.front())};
  if (task_of(records.front()->subject).quality_metric != agreement) {
    claim.reason = "outputs of model files have no agreement; see their cosine and differences";
    return claim;
  }
  Records judged;
  Records unlike;
  for (const Record* record : candidates_of(records, agreement))
    (is_judged_alike(*record, records) ? judged : unlike).push_back(record);
  Records qualified;
  for (const Record* record : candidates_of(judged, claim.metric))
    if (*value_of(*record, agreement) >= agreement_min) qualified.push_back(record);
  if (qualified.empty()) {
    claim.reason = why_none_agrees(judged, records);
  } else {
    crown_fastest(qualified, records, claim);
    add_doubts(judged, records, claim);
    add_unjudged(records, claim);
  }
  add_unlike(unlike, records, claim);
  return claim;
}

std::string title_of(const ModelGroup& group, const Record& first) {
  const Workload& w = first.subject.workload;
  const std::string title = group.model + analysis::title_of(w);
  const std::string sweep = sweep_of(w);
  return sweep.empty() ? title : title + "," + sweep;
}

bool is_like(const Workload& a, const Workload& b) {
  return a.without("thread_count") == b.without("thread_count");
}

}  // namespace

std::vector<Verdict> judge(const ModelGroup& group) {
  std::vector<Verdict> verdicts;
  for (const Record* record : group.records) {
    const auto found = std::ranges::find_if(verdicts, [&](const Verdict& verdict) {
      return is_like(verdict.records.front()->subject.workload, record->subject.workload);
    });
    if (found == verdicts.end())
      verdicts.push_back({title_of(group, *record), {record}, {}});
    else
      found->records.push_back(record);
  }
  for (Verdict& verdict : verdicts)
    verdict.claims = {find_fastest(verdict.records), find_smallest(verdict.records),
                      find_best_alike(verdict.records)};
  return verdicts;
}

std::string sentence_of(const Claim& claim, const Records& records) {
  std::string text = claim.reason;
  if (!claim.winners.empty()) {
    const Record& winner = *claim.winners[0];
    const bool is_itself = claim.name == "best_within_1_percent" && is_unquantized(winner);
    text = fmt::format("{}{}, {}", name_cases(claim.winners, records),
                       is_itself ? " (unquantized)" : "", figure_of(winner, claim.metric));
    if (claim.ratio) {
      text += fmt::format(", {} {}", ratio_text(claim.ratio->value), task_of(winner.subject).base);
      if (const auto& interval = claim.ratio->interval)
        text += " " + spread_text(claim.ratio->value, interval->low, interval->high, "x");
    }
    if (claim.name == "best_within_1_percent")
      text += ", agreement " + figure_of(winner, agreement);
    if (!claim.ties.empty()) text += "; can't be told from " + name_cases(claim.ties, records);
  }
  for (const std::string& reservation : claim.reservations) text += "; " + reservation;
  return text;
}

std::vector<VerdictLine> lines_of(const Verdict& verdict) {
  if (std::ranges::none_of(verdict.records, [](const Record* record) { return is_ok(*record); }))
    return {{"", "no case is ok, so there is nothing to tell"}};
  std::vector<VerdictLine> lines;
  for (const Claim& claim : verdict.claims)
    lines.push_back({std::string(claim.title), sentence_of(claim, verdict.records)});
  return lines;
}

}  // namespace qb::analysis
