#include "measurement/worker/steps.h"

#include <algorithm>

#include "measurement/worker/arrivals.h"
#include "stats/stats.h"

namespace qb::worker {
namespace {

double median_of(const std::vector<int64_t>& samples) {
  const std::vector<double> values(samples.begin(), samples.end());
  return stats::median(values);
}

}  // namespace

std::vector<int64_t> head_of(const std::vector<int64_t>& samples, size_t first) {
  return {samples.begin(), samples.begin() + static_cast<long>(first)};
}
std::vector<int64_t> tail_of(const std::vector<int64_t>& samples, size_t first) {
  return {samples.begin() + static_cast<long>(first), samples.end()};
}

void send_settling(const LoopEnd& end, const wire::Send& send) {
  send(wire::Fact{"warm_up_count", static_cast<int64_t>(end.first)});
  if (end.is_settled) send(wire::Fact{"settled", *end.is_settled});
}

void Answers::add(int64_t number, std::string hash) {
  std::string& first = hashes_[number % input_count];
  if (first.empty())
    first = std::move(hash);
  else
    are_equal_ = are_equal_ && first == hash;
}

Result<void> send_output_hash(const Steps& steps, const char* name, const wire::Send& send) {
  QB_TRY(std::string hash, steps.hash_outputs());
  send(wire::Fact{name, std::move(hash)});
  return {};
}

Result<void> time_first_run(const Steps& steps, const wire::Send& send) {
  send(wire::PhaseStarted{"first_run"});
  QB_CHECK(steps.stage(0));
  std::vector<int64_t> first_run;
  QB_CHECK(timed(steps.run, first_run));
  send(SampleSeries{"first_run", first_run});
  return {};
}

Result<void> audit(const Steps& steps, const wire::Send& send) {
  constexpr int64_t slow_ns = 100'000'000;  // a step of that time is repeated less often
  int repeat_count = 5;
  send(wire::PhaseStarted{"audit"});
  std::vector<int64_t> fresh_ns;
  std::vector<int64_t> same_ns;
  for (int i = 0; i < repeat_count && steps.stage_fresh; ++i) {
    QB_CHECK(steps.stage_fresh());
    QB_CHECK(timed(steps.run, fresh_ns));
    if (fresh_ns.back() > slow_ns) repeat_count = 3;
  }
  for (int i = 0; i < repeat_count; ++i) {
    QB_CHECK(steps.stage(0));
    QB_CHECK(timed(steps.run, same_ns));
  }
  QB_CHECK(send_output_hash(steps, "output_hash_after", send));
  if (!steps.stage_fresh) return {};
  send(wire::Fact{"same_input_ratio", median_of(same_ns) / median_of(fresh_ns)});
  send(wire::Fact{"same_input_is_faster", std::ranges::max(same_ns) < std::ranges::min(fresh_ns)});
  return {};
}

Result<void> measure_steps(const Steps& steps, const wire::Request& request, Measuring& measuring,
                           const wire::Send& send) {
  QB_CHECK(time_first_run(steps, send));
  QB_CHECK(send_output_hash(steps, "output_hash", send));
  std::vector<int64_t> samples = measuring.room().take();
  std::vector<int64_t> ends_ns = measuring.room().take();
  Answers answers;
  send(wire::PhaseStarted{"measure"});
  const auto step = [&](int64_t i) -> Result<void> {
    QB_CHECK(steps.stage(i));
    QB_CHECK(measuring.meter().time(steps.run, samples));
    QB_TRY(std::string hash, steps.hash_outputs());
    answers.add(i, std::move(hash));
    return {};
  };
  measuring.begin();
  QB_TRY(const LoopEnd end, repeat_until_steady(request.limits, SampleRoom::sample_capacity,
                                                ends_ns, step, [&] { return look_at(samples); }));
  Work work = {.run_count = static_cast<int64_t>(end.count)};
  if (!steps.item.empty()) work.items = {{steps.item, work.run_count * steps.item_count}};
  measuring.end(work);
  send_settling(end, send);
  send(SampleSeries{"inference", tail_of(samples, end.first)});
  send(SampleSeries{"warm_up", head_of(samples, end.first)});
  send(wire::Fact{"timed_answers_are_equal", answers.are_equal()});
  QB_CHECK(audit(steps, send));
  return measure_arrivals(request, send,
                          {.prepare = steps.stage, .serve = [&](int64_t) { return steps.run(); }});
}

}  // namespace qb::worker
