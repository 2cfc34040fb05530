#include "measurement/worker/arrivals.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/clock.h"
#include "stats/stats.h"

namespace qb::worker {
namespace {

constexpr int64_t watch_ns = 300'000;  // a sleep ends up to this much late
constexpr size_t compared_count_min = 3;

// Stands still while requests are prepared.
class PausedClock {
 public:
  int64_t now() const { return now_ns() - paused_ns_; }
  template <typename Prepare>
  Result<void> pause_for(Prepare&& prepare) {
    const int64_t start_ns = now_ns();
    Result<void> done = prepare();
    paused_ns_ += now_ns() - start_ns;
    return done;
  }
  void wait_until(int64_t moment_ns) const {
    if (const int64_t left_ns = moment_ns - now(); left_ns > watch_ns)
      std::this_thread::sleep_for(std::chrono::nanoseconds(left_ns - watch_ns));
    while (now() < moment_ns) {
    }
  }

 private:
  int64_t paused_ns_ = 0;
};

double median_of(const std::vector<int64_t>& durations_ns) {
  return stats::median(std::vector<double>(durations_ns.begin(), durations_ns.end()));
}

// The times of a few requests one right after another. The first comes after a pause and is left
// out.
Result<std::vector<int64_t>> serve_busily(const ArrivingRequests& requests) {
  constexpr int64_t count = 6;
  std::vector<int64_t> busy_ns;
  for (int64_t i = 0; i < count; ++i) {
    if (requests.prepare) QB_CHECK(requests.prepare(i));
    const int64_t start_ns = now_ns();
    QB_CHECK(requests.serve(i));
    if (i > 0) busy_ns.push_back(now_ns() - start_ns);
  }
  return busy_ns;
}

}  // namespace

Result<Arrivals> serve_arrivals(const wire::Limits& limits, double arrivals_per_s,
                                const ArrivingRequests& requests) {
  constexpr int64_t count_max = 1'000'000;
  const double interval_ns = 1e9 / arrivals_per_s;
  const auto by_duration =
      static_cast<int64_t>(std::ceil(static_cast<double>(limits.duration_ns_min) / interval_ns));
  const int64_t count =
      std::min(std::max({limits.iteration_count_min, by_duration, int64_t{1}}), count_max);
  Arrivals arrivals;
  arrivals.latency_ns.reserve(static_cast<size_t>(count));
  arrivals.wait_ns.reserve(static_cast<size_t>(count));
  PausedClock clock;
  const int64_t start_ns = clock.now();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t intended_ns = start_ns + std::llround(static_cast<double>(i) * interval_ns);
    if (requests.prepare) QB_CHECK(clock.pause_for([&] { return requests.prepare(i); }));
    clock.wait_until(intended_ns);
    const int64_t began_ns = clock.now();
    QB_CHECK(requests.serve(i));
    const int64_t end_ns = clock.now();
    arrivals.latency_ns.push_back(end_ns - intended_ns);
    arrivals.wait_ns.push_back(began_ns - intended_ns);
    arrivals.duration_ns = end_ns - start_ns;
    if (limits.duration_ns_max > 0 && arrivals.duration_ns >= limits.duration_ns_max) break;
  }
  return arrivals;
}

double served_per_s(const Arrivals& arrivals, double arrivals_per_s) {
  const auto count = static_cast<double>(arrivals.latency_ns.size());
  const double duration_s = static_cast<double>(arrivals.duration_ns) / 1e9;
  return count / std::max(duration_s, count / arrivals_per_s);
}

bool keeps_pace(const Arrivals& arrivals, double arrivals_per_s) {
  const std::vector<double> waits(arrivals.wait_ns.begin(), arrivals.wait_ns.end());
  const size_t quarter = std::max<size_t>(1, waits.size() / 4);
  const std::span<const double> all(waits);
  const double growth_ns = stats::median(all.last(quarter)) - stats::median(all.first(quarter));
  return growth_ns * arrivals_per_s / 1e9 <= 1.0;
}

std::optional<double> after_pause_ratio(const Arrivals& arrivals, double arrivals_per_s,
                                        const std::vector<int64_t>& busy_ns) {
  const double pause_ns_min = 0.5e9 / arrivals_per_s;
  std::vector<int64_t> after_pause_ns;
  for (size_t i = 1; i < arrivals.latency_ns.size(); ++i)
    if (static_cast<double>(arrivals.latency_ns[i - 1]) <= pause_ns_min)
      after_pause_ns.push_back(arrivals.latency_ns[i] - arrivals.wait_ns[i]);
  if (std::min(after_pause_ns.size(), busy_ns.size()) < compared_count_min) return std::nullopt;
  return median_of(after_pause_ns) / median_of(busy_ns);
}

Result<void> measure_arrivals(const wire::Request& request, const wire::Send& send,
                              const ArrivingRequests& requests) {
  const double rate = request.workload.arrivals_per_s();
  if (rate <= 0.0) return {};
  send(wire::PhaseStarted{"arrivals"});
  QB_TRY(Arrivals arrivals, serve_arrivals(request.limits, rate, requests));
  send(wire::Fact{"served_per_s", served_per_s(arrivals, rate)});
  send(wire::Fact{"kept_pace", keeps_pace(arrivals, rate)});
  QB_TRY(const std::vector<int64_t> busy_ns, serve_busily(requests));
  if (const auto ratio = after_pause_ratio(arrivals, rate, busy_ns))
    send(wire::Fact{"after_pause_ratio", *ratio});
  send(SampleSeries{"arrival_latency", std::move(arrivals.latency_ns)});
  send(SampleSeries{"arrival_wait", std::move(arrivals.wait_ns)});
  return {};
}

}  // namespace qb::worker
