// One step repeated until steady, whatever it is: first run, timed loop, audit.
#include "stats/stats.h"
#include "worker/run.h"
#include "worker/timed_loop.h"

namespace qb::worker {
namespace {

constexpr size_t sample_capacity = 1'000'000;

double median_of(const std::vector<int64_t>& samples) {
  return stats::median(std::vector<double>(samples.begin(), samples.end()));
}

Result<void> send_hash(const Steps& steps, const char* name, const Send& send) {
  QB_TRY(std::string hash, steps.hash_outputs());
  send(wire::Fact{name, std::move(hash)});
  return {};
}

// The same input again and again must give the first run's answer and take as long as different
// ones do. `different`: samples of inputs in turn.
Result<void> audit(const Steps& steps, const std::vector<int64_t>& different, const Send& send) {
  constexpr int repeat_count = 5;
  send(wire::PhaseStarted{"audit"});
  std::vector<int64_t> same;
  for (int i = 0; i < repeat_count; ++i) QB_CHECK(timed([&] { return steps.run(0); }, same));
  QB_CHECK(send_hash(steps, "output_hash_after", send));
  if (steps.are_inputs_varied)
    send(wire::Fact{"same_input_ratio", median_of(same) / median_of(different)});
  return {};
}

}  // namespace

Result<void> measure_steps(const Steps& steps, const wire::Limits& limits, const Send& send) {
  std::vector<int64_t> samples;
  samples.reserve(sample_capacity);
  send(wire::PhaseStarted{"first_run"});
  QB_CHECK(timed([&] { return steps.run(0); }, samples));
  send(SampleSeries{"first_run", samples});
  QB_CHECK(send_hash(steps, "output_hash", send));
  samples.clear();
  send(wire::PhaseStarted{"measure"});
  QB_TRY(const LoopEnd end,
         repeat_until_steady(
             limits, sample_capacity,
             [&](int64_t i) { return timed([&] { return steps.run(i); }, samples); },
             [&] { return std::vector<double>(samples.begin(), samples.end()); }));
  send(wire::Fact{"warm_up_count", static_cast<int64_t>(end.first)});
  if (end.is_settled) send(wire::Fact{"settled", *end.is_settled});
  const auto first = samples.begin() + static_cast<long>(end.first);
  const std::vector<int64_t> steady(first, samples.end());
  send(SampleSeries{"inference", steady});
  send(SampleSeries{"warm_up", {samples.begin(), first}});
  return audit(steps, steady, send);
}

}  // namespace qb::worker
