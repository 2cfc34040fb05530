#include "worker/steps.h"

#include <algorithm>

#include "stats/stats.h"
#include "worker/arrivals.h"

namespace qb::worker {
namespace {

double median_of(const std::vector<int64_t>& samples) {
  const std::vector<double> values(samples.begin(), samples.end());
  return stats::median(values);
}

}  // namespace

std::vector<int64_t> with_room() {
  std::vector<int64_t> samples;
  samples.reserve(sample_capacity);
  return samples;
}

std::vector<int64_t> head_of(const std::vector<int64_t>& samples, size_t first) {
  return {samples.begin(), samples.begin() + static_cast<long>(first)};
}
std::vector<int64_t> tail_of(const std::vector<int64_t>& samples, size_t first) {
  return {samples.begin() + static_cast<long>(first), samples.end()};
}

void send_settling(const LoopEnd& end, const Send& send) {
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

Result<void> send_output_hash(const Steps& steps, const char* name, const Send& send) {
  QB_TRY(std::string hash, steps.hash_outputs());
  send(wire::Fact{name, std::move(hash)});
  return {};
}

Result<void> audit(const Steps& steps, const Send& send) {
  constexpr int64_t slow_ns = 100'000'000;  // a step of that time is repeated less often
  int repeat_count = 5;
  send(wire::PhaseStarted{"audit"});
  std::vector<int64_t> fresh_ns;
  std::vector<int64_t> same_ns;
  for (int i = 0; i < repeat_count && steps.fresh; ++i) {
    const auto run = steps.fresh();  // made before the clock starts
    QB_CHECK(timed(run, fresh_ns));
    if (fresh_ns.back() > slow_ns) repeat_count = 3;
  }
  for (int i = 0; i < repeat_count; ++i) QB_CHECK(timed([&] { return steps.run(0); }, same_ns));
  QB_CHECK(send_output_hash(steps, "output_hash_after", send));
  if (!steps.fresh) return {};
  send(wire::Fact{"same_input_ratio", median_of(same_ns) / median_of(fresh_ns)});
  send(wire::Fact{"same_input_is_faster", std::ranges::max(same_ns) < std::ranges::min(fresh_ns)});
  return {};
}

Result<void> measure_steps(const Steps& steps, const wire::Request& request, const Send& send) {
  std::vector<int64_t> samples = with_room();
  Answers answers;
  send(wire::PhaseStarted{"first_run"});
  QB_CHECK(timed([&] { return steps.run(0); }, samples));
  send(SampleSeries{"first_run", samples});
  QB_CHECK(send_output_hash(steps, "output_hash", send));
  samples.clear();
  send(wire::PhaseStarted{"measure"});
  const auto step = [&](int64_t i) -> Result<void> {
    QB_CHECK(timed([&] { return steps.run(i); }, samples));
    QB_TRY(std::string hash, steps.hash_outputs());
    answers.add(i, std::move(hash));
    return {};
  };
  QB_TRY(const LoopEnd end, repeat_until_steady(request.limits, sample_capacity, step, [&] {
           return std::vector<double>(samples.begin(), samples.end());
         }));
  send_settling(end, send);
  send(SampleSeries{"inference", tail_of(samples, end.first)});
  send(SampleSeries{"warm_up", head_of(samples, end.first)});
  send(wire::Fact{"timed_answers_are_equal", answers.are_equal()});
  QB_CHECK(audit(steps, send));
  return measure_arrivals(request, send, steps.run);
}

}  // namespace qb::worker
