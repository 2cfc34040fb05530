// What a speed launch is measured with: room for its samples, and probes around its timed loop.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "measurement/probes/energy.h"
#include "measurement/probes/process.h"
#include "measurement/wire/send.h"
#include "measurement/worker/step_meter.h"

namespace qb::worker {

// Memory for the samples of a launch, in use from the start on: it doesn't grow while steps are
// timed, and the figures of memory leave it out.
class SampleRoom {
 public:
  static constexpr size_t sample_capacity = 1'000'000;  // of each series
  static constexpr size_t series_count = 4;

  SampleRoom();
  // An empty series with room for sample_capacity; at most series_count of them.
  std::vector<int64_t> take();
  static constexpr int64_t bytes() {
    return static_cast<int64_t>(series_count * sample_capacity * sizeof(int64_t));
  }

 private:
  std::array<std::vector<int64_t>, series_count> series_;
  size_t taken_count_ = 0;
};

// What a loop did, for figures by item: how many of what ("tokens") went through.
struct Work {
  int64_t run_count = 0;
  std::vector<std::pair<std::string, int64_t>> items = {};
};

// Readings, made when constructed.
struct MemoryReading {
  probes::ResidentParts parts = probes::resident_parts();
  std::optional<int64_t> resident_bytes = probes::resident_bytes();
  std::optional<int64_t> peak_bytes = probes::peak_resident_bytes();
};
struct UsageReading {
  int64_t probing_ns = now_ns();
  probes::SystemUsage system = probes::system_usage();
  probes::ProcessUsage process = probes::process_usage();
  int64_t at_ns = now_ns();
};

// Made when the session is compiled and nothing has run. begin() and end() enclose the timed loop;
// what comes after it, sending samples included, is in no figure.
class Measuring {
 public:
  // `loaded`: memory before compiling. `room` has been there since before that.
  Measuring(SampleRoom& room, const probes::ResidentParts& loaded);
  Measuring(const Measuring&) = delete;
  Measuring& operator=(const Measuring&) = delete;

  SampleRoom& room() { return room_; }
  StepMeter& meter() { return meter_; }
  void begin();
  void end(const Work& work);
  // The facts, once the loop has ended. `bundle`: folder of the mapped weights; may be empty.
  void send(std::span<const std::string> bundles, const wire::Send& send) const;

 private:
  void send_usage(const wire::Send& send) const;
  void send_energy(const wire::Send& send) const;
  void send_work(const wire::Send& send) const;
  void send_memory(std::span<const std::string> bundles, const wire::Send& send) const;

  SampleRoom& room_;
  probes::ResidentParts loaded_;
  int64_t probing_ns_ = now_ns();
  Json condition_;
  MemoryReading compiled_;
  bool is_peak_reset_ = false;
  probes::EnergyMeter energy_;
  StepMeter meter_;
  int64_t probe_time_ns_ = 0;
  std::optional<UsageReading> begin_;
  std::optional<UsageReading> end_;
  std::optional<MemoryReading> ended_;
  Json condition_after_;
  Work work_;
};

// A figure of resident memory without the room for samples.
std::optional<int64_t> without_room(std::optional<int64_t> resident_bytes);

}  // namespace qb::worker
