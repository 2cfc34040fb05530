#include "results/comparison/recommend.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/units.h"
#include "results/analysis/cases.h"
#include "results/analysis/table.h"
#include "results/comparison/tell.h"
#include "results/metrics/launches.h"

namespace qb::comparison {
namespace {

enum class Fulfils : uint8_t { yes, may, no, unknown };

// A case with what the constraints say of it.
struct Judged {
  Candidate candidate;
  bool may_violate = false;
  const Measurement* figure = nullptr;  // of the preferred metric
};

Fulfils fulfils(const Constraint& c, const Measurement* m) {
  if (!m || !m->value) return Fulfils::unknown;
  const auto is_within = [&](double v) { return c.is_maximum ? v <= c.bound : v >= c.bound; };
  const bool low = is_within(m->low.value_or(*m->value));
  const bool high = is_within(m->high.value_or(*m->value));
  if (low && high) return Fulfils::yes;
  return low || high ? Fulfils::may : Fulfils::no;
}

void check(const Constraint& c, Judged& judged) {
  const Measurement* m = find_measurement(*judged.candidate.record, c.metric->name);
  const Fulfils answer = fulfils(c, m);
  if (answer == Fulfils::yes) return;
  std::vector<std::string>& reasons = judged.candidate.reasons;
  if (answer == Fulfils::unknown) {
    judged.candidate.standing = Standing::no_figure;
    reasons.push_back(
        fmt::format("has no {}: {}", c.metric->label, m ? m->reason : "not measured"));
    return;
  }
  const bool may = answer == Fulfils::may;
  reasons.push_back(fmt::format("{} {}{} where {} is asked for", c.metric->label,
                                analysis::figure_text(*m, *c.metric),
                                may ? " may lie on either side" : "", bound_text(c)));
  judged.may_violate |= may;
  if (!may && judged.candidate.standing != Standing::no_figure)
    judged.candidate.standing = Standing::violates;
}

bool has_figure(const Judged& judged) { return judged.figure && judged.figure->value; }

// Standing::behind stands for "fulfils all, or may" until the best is known.
Judged judge(const Record& record, const std::vector<Constraint>& constraints,
             const metrics::Metric& preferred) {
  Judged judged = {.candidate = {.record = &record, .standing = Standing::behind},
                   .figure = find_measurement(record, preferred.name)};
  if (!analysis::is_ok(record)) {
    judged.candidate.standing = Standing::no_figure;
    judged.candidate.reasons.push_back(fmt::format(
        "{}{}{}", name_of(record.outcome), record.reason.empty() ? "" : ": ", record.reason));
    return judged;
  }
  for (const Constraint& constraint : constraints) check(constraint, judged);
  if (has_figure(judged)) return judged;
  if (judged.candidate.standing != Standing::violates) {
    judged.candidate.standing = Standing::no_figure;
    judged.candidate.reasons.push_back(fmt::format("has no {}", preferred.label));
  }
  return judged;
}

Comparison against(const Record& best, const Record& other, const metrics::Metric& preferred) {
  return compare({&best, &other}, preferred, true, {.run = 0.0, .build = 0.0});
}

bool is_better(const Judged& a, const Judged& b, const metrics::Metric& preferred) {
  return worse_sign(preferred) * *a.figure->value < worse_sign(preferred) * *b.figure->value;
}

// Of those that surely fulfil all.
Judged* find_best(std::vector<Judged>& all, const metrics::Metric& preferred) {
  Judged* best = nullptr;
  for (Judged& judged : all)
    if (judged.candidate.standing == Standing::behind && !judged.may_violate &&
        (!best || is_better(judged, *best, preferred)))
      best = &judged;
  return best;
}

void place(Judged& judged, const Judged* best, const metrics::Metric& preferred) {
  Candidate& candidate = judged.candidate;
  if (candidate.standing == Standing::no_figure || !has_figure(judged)) return;
  const std::string figure =
      fmt::format("{} {}", preferred.label, analysis::figure_text(*judged.figure, preferred));
  if (!best) {
    if (candidate.standing == Standing::behind) candidate.standing = Standing::open;
    candidate.reasons.insert(candidate.reasons.begin(), figure);
    return;
  }
  if (&judged == best) {
    candidate.standing = Standing::best;
    candidate.reasons.insert(candidate.reasons.begin(), figure);
    return;
  }
  const Comparison c = against(*best->candidate.record, *candidate.record, preferred);
  std::string relative = fmt::format("{}, {} the best", figure, change_text(c));
  if (!c.interval) relative += ", of too few launches to tell";
  candidate.reasons.insert(candidate.reasons.begin(), c.change ? relative : figure);
  if (candidate.standing != Standing::behind) return;
  const bool is_tied = c.answer == Answer::undecided || c.answer == Answer::same;
  if (judged.may_violate && (is_tied || c.answer == Answer::better))
    candidate.standing = Standing::open;
  else if (is_tied)
    candidate.standing = Standing::tie;
}

void add_fulfilled(const std::vector<Constraint>& constraints, Candidate& best) {
  for (const Constraint& c : constraints) {
    const Measurement& m = *find_measurement(*best.record, c.metric->name);
    best.reasons.push_back(fmt::format("{} {} ({}{})", c.metric->label,
                                       analysis::figure_text(m, *c.metric), bound_text(c),
                                       m.low ? "" : "; it has no interval"));
  }
}

Recommendation recommend_one(std::string title, const std::vector<const Record*>& records,
                             const std::vector<Constraint>& constraints,
                             const metrics::Metric* wanted) {
  const metrics::Metric& preferred =
      wanted ? *wanted : *metrics::find_metric(metrics::speed_metric(*records.front()));
  std::vector<Judged> all;
  for (const Record* record : records) all.push_back(judge(*record, constraints, preferred));
  Judged* best = find_best(all, preferred);
  for (Judged& judged : all) place(judged, best, preferred);
  if (best) add_fulfilled(constraints, best->candidate);
  Recommendation result = {.title = std::move(title), .preferred = &preferred};
  for (const Standing standing : {Standing::best, Standing::tie, Standing::open, Standing::behind,
                                  Standing::violates, Standing::no_figure})
    for (Judged& judged : all)
      if (judged.candidate.standing == standing)
        result.candidates.push_back(std::move(judged.candidate));
  return result;
}

Workload without_threads(const Record& record) {
  Workload workload = record.subject.workload;
  workload.set("thread_count", 0);
  return workload;
}

constexpr std::string_view titles[] = {"best",   "can't be told from it", "may be better",
                                       "behind", "violates a constraint", "can't be judged"};

}  // namespace

std::string bound_text(const Constraint& c) {
  return fmt::format("{} {}", c.is_maximum ? "at most" : "at least",
                     format_quantity(c.bound, c.metric->unit));
}

bool surely_violates(const Record& record, const Constraint& constraint) {
  return fulfils(constraint, find_measurement(record, constraint.metric->name)) == Fulfils::no;
}

bool are_candidates_of_one(const Record& a, const Record& b) {
  const bool is_one_model = !task_of(a.subject).group.empty() || a.subject.model == b.subject.model;
  return a.subject.task == b.subject.task && is_one_model &&
         without_threads(a) == without_threads(b);
}

std::string_view name_of(Standing standing) {
  constexpr std::string_view names[] = {"best", "tie", "open", "behind", "violates", "no_figure"};
  return names[static_cast<size_t>(standing)];
}

const Candidate* Recommendation::best() const {
  const bool is_there = !candidates.empty() && candidates.front().standing == Standing::best;
  return is_there ? &candidates.front() : nullptr;
}

bool Recommendation::is_open() const {
  return !best() &&
         std::ranges::find(candidates, Standing::open, &Candidate::standing) != candidates.end();
}

std::vector<Recommendation> recommend(const std::vector<Record>& records,
                                      const std::vector<Constraint>& constraints,
                                      const metrics::Metric* preferred) {
  std::vector<Recommendation> all;
  for (const analysis::ModelGroup& group : analysis::group_by_model(records)) {
    std::vector<const Record*> rest = group.records;
    while (!rest.empty()) {
      const Record& first = *rest.front();
      std::vector<const Record*> alike;
      for (const Record* record : rest)
        if (without_threads(*record) == without_threads(first)) alike.push_back(record);
      std::erase_if(rest, [&](const Record* record) {
        return without_threads(*record) == without_threads(first);
      });
      const Workload& workload = first.subject.workload;
      all.push_back(
          recommend_one(group.model + analysis::title_of(workload) + analysis::sweep_of(workload),
                        alike, constraints, preferred));
    }
  }
  return all;
}

sections::Blocks blocks_of(const Recommendation& r) {
  sections::Blocks blocks;
  blocks.emplace_back(sections::Heading{r.title});
  std::vector<const Record*> records;
  for (const Candidate& c : r.candidates) records.push_back(c.record);
  sections::List list = {.title = fmt::format("By {}", r.preferred->label), .has_neighbours = true};
  if (!r.best())
    list.items.push_back({"best", r.is_open() ? "can't be told: an interval holds a bound"
                                              : "none fulfils the constraints"});
  for (const Candidate& c : r.candidates)
    list.items.push_back({std::string(titles[static_cast<size_t>(c.standing)]),
                          fmt::format("{}: {}", analysis::short_label_of(*c.record, records),
                                      fmt::join(c.reasons, "; "))});
  blocks.emplace_back(std::move(list));
  return blocks;
}

Json to_json(const Recommendation& r) {
  Json::Array candidates;
  for (const Candidate& c : r.candidates)
    candidates.push_back(Json::object({{"case", case_id(c.record->subject)},
                                       {"standing", name_of(c.standing)},
                                       {"reasons", Json::array_of(c.reasons)}}));
  return Json::object({{"title", r.title},
                       {"preferred", r.preferred->name},
                       {"best", r.best() ? Json(case_id(r.best()->record->subject)) : Json()},
                       {"candidates", std::move(candidates)}});
}

}  // namespace qb::comparison
