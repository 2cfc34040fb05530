#include "measurement/worker/arrivals.h"

#include <doctest/doctest.h>

#include <map>
#include <thread>

#include "base/clock.h"
#include "stats/stats.h"

using namespace qb;
using namespace qb::worker;

namespace {

constexpr int64_t ms = 1'000'000;

void work(int64_t duration_ns) {
  for (const int64_t end = now_ns() + duration_ns; now_ns() < end;) {
  }
}

}  // namespace

TEST_CASE("requests start when they are due, and none before") {
  std::vector<int64_t> starts_ns;
  const auto arrivals =
      serve_arrivals({.iteration_count_min = 20}, 200.0, {{}, [&](int64_t) {
                                                            starts_ns.push_back(now_ns());
                                                            work(ms);
                                                            return Result<void>();
                                                          }});
  REQUIRE(arrivals);
  REQUIRE(starts_ns.size() == 20);
  for (size_t i = 0; i < starts_ns.size(); ++i) {
    CHECK(starts_ns[i] - starts_ns[0] >= static_cast<int64_t>(i) * 5 * ms - ms);
    CHECK(arrivals->wait_ns[i] >= 0);
    CHECK(arrivals->latency_ns[i] >= arrivals->wait_ns[i] + ms);
  }
}

TEST_CASE("a stall is charged to every request that it kept waiting") {
  const auto arrivals =
      serve_arrivals({.iteration_count_min = 40}, 200.0, {{}, [&](int64_t i) {
                                                            work(i == 5 ? 60 * ms : 1 * ms);
                                                            return Result<void>();
                                                          }});
  REQUIRE(arrivals);
  // Due 5 ms apart, so the one after the stall waited for 55 ms, the next for 51: a loop that
  // starts a request only after the one before would have seen 1 ms each.
  CHECK(arrivals->latency_ns[6] >= 55 * ms);
  CHECK(arrivals->latency_ns[7] >= 51 * ms);
  CHECK(arrivals->latency_ns[10] >= 39 * ms);
}

TEST_CASE("a stall in the middle that was caught up with is no loss of pace; a growing queue is") {
  Arrivals arrivals = {.wait_ns = std::vector<int64_t>(40, ms / 10)};
  std::fill_n(arrivals.wait_ns.begin() + 15, 5, 55 * ms);
  CHECK(keeps_pace(arrivals, 200.0));
  for (int64_t i = 0; i < 40; ++i) arrivals.wait_ns[static_cast<size_t>(i)] = i * ms;
  CHECK_FALSE(keeps_pace(arrivals, 200.0));
}

TEST_CASE("what idles down in pauses takes longer after one than one right after another") {
  // Due every 20 ms: the fourth took long, so the fifth had to wait and has no pause before it.
  const Arrivals arrivals = {.latency_ns = {9 * ms, 6 * ms, 6 * ms, 36 * ms, 40 * ms},
                             .wait_ns = {0, 0, ms / 10, 0, 16 * ms}};
  const std::vector<int64_t> busy_ns = {2 * ms, 2 * ms, 2 * ms};
  CHECK(after_pause_ratio(arrivals, 50.0, busy_ns).value() == doctest::Approx(3.0));
  CHECK_FALSE(after_pause_ratio(arrivals, 50.0, {2 * ms, 2 * ms}));
  CHECK_FALSE(after_pause_ratio(arrivals, 100.0, busy_ns));
}

TEST_CASE("a device that wakes up slowly is seen by requests with pauses between them") {
  int64_t busy_until_ns = 0;
  const auto serve = [&](int64_t) {
    const bool is_asleep = now_ns() - busy_until_ns > 5 * ms;
    work(is_asleep ? 6 * ms : ms);
    busy_until_ns = now_ns();
    return Result<void>();
  };
  const auto ratio_at = [&](double arrivals_per_s) {
    double ratio = 0.0;
    wire::Request request = {.limits = {.iteration_count_min = 12}};
    request.workload.set("arrivals_per_s", arrivals_per_s);
    const wire::Send send = [&](const wire::Event& event) {
      const auto* fact = std::get_if<wire::Fact>(&event);
      if (fact && fact->name == "after_pause_ratio") ratio = fact->value.as_double();
    };
    REQUIRE(measure_arrivals(request, send, {{}, serve}));
    return ratio;
  };
  CHECK(ratio_at(40.0) > 2.0);
  CHECK(ratio_at(250.0) < 2.0);
}

TEST_CASE("requests that come faster than they are served are told apart") {
  const wire::Limits limits = {.iteration_count_min = 60, .duration_ns_max = 2000 * ms};
  const auto arrivals = serve_arrivals(limits, 500.0, {{}, [&](int64_t) {
                                                         work(4 * ms);
                                                         return Result<void>();
                                                       }});
  REQUIRE(arrivals);
  CHECK_FALSE(keeps_pace(*arrivals, 500.0));
}

TEST_CASE("no more is served than arrives, be it few requests or quick ones") {
  struct Row {
    size_t count;
    int64_t duration_ns;
    double served;
  };
  const Row rows[] = {
      {4, 150 * ms, 20.0},  // due at 0, 50, 100 and 150 ms: the last interval counts too
      {4, 160 * ms, 20.0},   {1, 1, 20.0},
      {4, 400 * ms, 10.0},  // they were served slower than they came
      {20, 1000 * ms, 20.0},
  };
  for (const Row& row : rows) {
    const Arrivals arrivals = {.latency_ns = std::vector<int64_t>(row.count, 1),
                               .duration_ns = row.duration_ns};
    CHECK(served_per_s(arrivals, 20.0) == doctest::Approx(row.served));
  }
}

TEST_CASE("as many requests as count and duration ask for, and no longer than the limit") {
  int64_t count = 0;
  const auto serve = [&](int64_t) {
    ++count;
    return Result<void>();
  };
  REQUIRE(
      serve_arrivals({.iteration_count_min = 3, .duration_ns_min = 100 * ms}, 500.0, {{}, serve}));
  CHECK(count == 50);
  count = 0;
  const wire::Limits short_limits = {.iteration_count_min = 100'000, .duration_ns_max = 50 * ms};
  REQUIRE(serve_arrivals(short_limits, 1000.0, {{}, serve}));
  CHECK(count < 60);
}

TEST_CASE("a workload without a rate is served one after another only") {
  std::map<std::string, int> events;
  const wire::Send send = [&](const wire::Event& event) {
    if (const auto* series = std::get_if<SampleSeries>(&event)) ++events[series->phase];
  };
  wire::Request request = {.limits = {.iteration_count_min = 5}};
  const auto serve = [](int64_t) { return Result<void>(); };
  REQUIRE(measure_arrivals(request, send, {{}, serve}));
  CHECK(events.empty());
  request.workload.set("arrivals_per_s", 1000.0);
  REQUIRE(measure_arrivals(request, send, {{}, serve}));
  CHECK(events["arrival_latency"] == 1);
  CHECK(events["arrival_wait"] == 1);
}

TEST_CASE("the schedule stands still while a request is prepared") {
  const auto prepare = [](int64_t) {
    work(20 * ms);  // four times what lies between two requests
    return Result<void>();
  };
  const auto serve = [](int64_t) {
    work(ms);
    return Result<void>();
  };
  const auto arrivals = serve_arrivals({.iteration_count_min = 20}, 200.0, {prepare, serve});
  REQUIRE(arrivals);
  const std::vector<double> latencies(arrivals->latency_ns.begin(), arrivals->latency_ns.end());
  CHECK(stats::median(latencies) < 15.0 * ms);  // 150 and more, were the clock to go on
}
