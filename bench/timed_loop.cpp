// What the timed loop itself costs: a session that does nothing, run bare and run timed.
// Exit code 1 when the bookkeeping of an iteration reaches the limit.
#include "measurement/worker/timed_loop.h"

#include <fmt/format.h>

#include <algorithm>

#include "measurement/probes/process.h"
#include "measurement/worker/engine.h"
#include "measurement/worker/step_meter.h"

namespace {

using qb::Result;

constexpr int64_t iteration_count = 100'000;
constexpr size_t round_count = 21;
constexpr double limit_ns = 100.0;

// Counts its runs. Not inlined: an engine's run() is a call, and a bare loop of additions none.
class NullSession : public qb::worker::Session {
 public:
  [[gnu::noinline]] Result<void> run(const qb::worker::StepInputs&) override {
    ++run_count;
    return {};
  }
  std::span<const qb::TensorView> outputs() const override { return {}; }
  qb::Json actual() const override { return {}; }

  int64_t run_count = 0;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Nanoseconds an iteration of `loop`, which makes iteration_count of them.
template <typename Loop>
Result<double> cost_ns(Loop&& loop) {
  const int64_t start = qb::now_ns();
  QB_CHECK(loop());
  return static_cast<double>(qb::now_ns() - start) / static_cast<double>(iteration_count);
}

Result<void> bare(qb::worker::Session& session) {
  for (int64_t i = 0; i < iteration_count; ++i) QB_CHECK(session.run({}));
  return {};
}

Result<void> timed(qb::worker::Session& session, std::vector<int64_t>& samples,
                   std::vector<int64_t>& ends_ns) {
  samples.clear();
  ends_ns.clear();
  const auto absent = [] { return std::nullopt; };
  qb::worker::StepMeter meter(
      {.cpu_time_ns = [] { return qb::probes::process_usage().cpu_time_ns; },
       .energy_uj = absent,
       .energy_dram_uj = absent});
  const qb::wire::Limits limits = {.warmup_count_min = 0, .iteration_count_min = iteration_count};
  QB_CHECK(qb::worker::repeat_until_steady(
      limits, iteration_count, ends_ns,
      [&](int64_t) { return meter.time([&] { return session.run({}); }, samples); },
      [] { return qb::worker::Series(); }));
  return {};
}

// The two loops in turn, so that a change of the machine's speed meets both.
Result<bool> compare(NullSession& null_session) {
  qb::worker::Session& session = null_session;
  std::vector<int64_t> samples;
  samples.reserve(iteration_count);
  std::vector<int64_t> ends_ns;
  ends_ns.reserve(iteration_count);
  std::vector<double> bare_ns;
  std::vector<double> timed_ns;
  for (size_t i = 0; i < round_count; ++i) {
    QB_TRY(bare_ns.emplace_back(), cost_ns([&] { return bare(session); }));
    QB_TRY(timed_ns.emplace_back(), cost_ns([&] { return timed(session, samples, ends_ns); }));
  }
  if (null_session.run_count != 2 * iteration_count * static_cast<int64_t>(round_count))
    return qb::fail(qb::Errc::framework_failed, "the session ran {} times", null_session.run_count);
  const double overhead_ns = median(timed_ns) - median(bare_ns);
  const double sample_ns = median({samples.begin(), samples.end()});
  fmt::print("bare iteration              {:8.1f} ns\n", median(bare_ns));
  fmt::print("timed iteration             {:8.1f} ns\n", median(timed_ns));
  fmt::print("bookkeeping of an iteration {:8.1f} ns (limit {:.0f} ns)\n", overhead_ns, limit_ns);
  fmt::print("of it inside a sample       {:8.1f} ns: {:.4f} % of a step of 1 ms\n", sample_ns,
             sample_ns / 1e6 * 100.0);
  return overhead_ns < limit_ns;
}

}  // namespace

int main() {
  NullSession session;
  const Result<bool> is_cheap = compare(session);
  if (!is_cheap) fmt::print(stderr, "{}\n", is_cheap.error().message);
  return is_cheap && *is_cheap ? 0 : 1;
}
