// What timed steps alone use of the processor and of energy, without what lies between them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace qb::worker {

// The growth of one counter during timed steps. It is read around stretches that hold so much
// timed work at least: a step as long as that has a stretch of its own, shorter ones share one,
// whose growth then counts by the part of it that was timed.
class StepCounter {
 public:
  using Read = std::function<std::optional<int64_t>()>;  // empty: the system doesn't tell
  StepCounter(Read read, int64_t stretch_ns_min)
      : read_(std::move(read)), stretch_ns_min_(stretch_ns_min) {}

  void before_step() {
    if (!is_open_) open();
  }
  void after_step(int64_t duration_ns) {
    timed_ns_ += duration_ns;
    if (timed_ns_ >= stretch_ns_min_) close();
  }
  // Ends a stretch whose steps were too short yet.
  void close();
  // Empty when the counter could not be read, or nothing was timed.
  std::optional<int64_t> total() const;

 private:
  void open();

  Read read_;
  int64_t stretch_ns_min_;
  bool is_open_ = false;
  int64_t start_ns_ = 0;
  int64_t timed_ns_ = 0;  // of the stretch at hand
  std::optional<int64_t> start_;
  std::optional<double> total_;
  bool is_lost_ = false;  // a reading failed
};

// The steps' durations, and their share of the counters.
class StepMeter {
 public:
  // Reading the processor's time takes 1 µs, and energy some ten, whose counters grow each ms.
  static constexpr int64_t cpu_stretch_ns_min = 100'000;
  static constexpr int64_t energy_stretch_ns_min = 1'000'000;
  struct Counters {
    StepCounter::Read cpu_time_ns, energy_uj, energy_dram_uj;
  };
  explicit StepMeter(Counters counters)
      : cpu_time_ns_(std::move(counters.cpu_time_ns), cpu_stretch_ns_min),
        energy_uj_(std::move(counters.energy_uj), energy_stretch_ns_min),
        energy_dram_uj_(std::move(counters.energy_dram_uj), energy_stretch_ns_min) {}

  // Clock, step, clock; appends the duration to `samples`, which has room.
  template <typename Step>
  Result<void> time(Step&& step, std::vector<int64_t>& samples) {
    energy_dram_uj_.before_step();
    energy_uj_.before_step();
    cpu_time_ns_.before_step();
    const int64_t start_ns = now_ns();
    Result<void> done = step();
    const int64_t duration_ns = now_ns() - start_ns;
    cpu_time_ns_.after_step(duration_ns);
    energy_uj_.after_step(duration_ns);
    energy_dram_uj_.after_step(duration_ns);
    samples.push_back(duration_ns);
    timed_ns_ += duration_ns;
    return done;
  }
  void finish() {
    cpu_time_ns_.close();
    energy_uj_.close();
    energy_dram_uj_.close();
  }
  int64_t timed_ns() const { return timed_ns_; }
  std::optional<int64_t> cpu_time_ns() const { return cpu_time_ns_.total(); }
  std::optional<int64_t> energy_uj() const { return energy_uj_.total(); }
  std::optional<int64_t> energy_dram_uj() const { return energy_dram_uj_.total(); }

 private:
  StepCounter cpu_time_ns_;
  StepCounter energy_uj_;
  StepCounter energy_dram_uj_;
  int64_t timed_ns_ = 0;
};

}  // namespace qb::worker
