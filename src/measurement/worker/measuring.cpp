#include "measurement/worker/measuring.h"

#include <algorithm>
#include <utility>

#include "measurement/probes/condition.h"

namespace qb::worker {
namespace {

void send_if_told(const wire::Send& send, std::string name, std::optional<int64_t> value) {
  if (value) send(wire::Fact{std::move(name), *value});
}

std::optional<int64_t> difference(std::optional<int64_t> from, std::optional<int64_t> to) {
  return from && to ? std::optional(*to - *from) : std::nullopt;
}

// Of the folders' files together; empty when there are none, or one isn't told.
std::optional<int64_t> resident_bytes_of(std::span<const std::string> folders) {
  std::optional<int64_t> total;
  for (const std::string& folder : folders) {
    const auto bytes = probes::resident_bytes_of_files(folder);
    if (!bytes) return std::nullopt;
    total = total.value_or(0) + *bytes;
  }
  return total;
}

}  // namespace

SampleRoom::SampleRoom() {
  for (std::vector<int64_t>& series : series_) {
    series.assign(sample_capacity, 1);  // touches each page
    series.clear();
  }
}

std::vector<int64_t> SampleRoom::take() { return std::move(series_.at(taken_count_++)); }

std::optional<int64_t> without_room(std::optional<int64_t> resident_bytes) {
  if (!resident_bytes) return std::nullopt;
  return *resident_bytes - SampleRoom::bytes();
}

Measuring::Measuring(SampleRoom& room, const probes::ResidentParts& loaded)
    : room_(room),
      loaded_(loaded),
      condition_(probes::describe_condition()),
      is_peak_reset_(probes::reset_peak_resident()),
      meter_({.cpu_time_ns = [] { return probes::process_usage().cpu_time_ns; },
              .energy_uj = [this] { return energy_.used_uj(); },
              .energy_dram_uj = [this] { return energy_.used_dram_uj(); }}),
      probe_time_ns_(now_ns() - probing_ns_) {}

void Measuring::begin() {
  begin_.emplace();
  probe_time_ns_ += begin_->at_ns - begin_->probing_ns;
}

void Measuring::end(const Work& work) {
  const int64_t probing_ns = now_ns();
  meter_.finish();
  end_.emplace();
  ended_.emplace();
  condition_after_ = probes::describe_condition();
  work_ = work;
  probe_time_ns_ += now_ns() - probing_ns;
}

// Of the loop the counters of the machine tell what others did, in proportion to the time that was
// timed; of this process they tell the steps alone.
void Measuring::send_usage(const wire::Send& send) const {
  const int64_t loop_ns = std::max<int64_t>(1, end_->at_ns - begin_->at_ns);
  const double timed_share =
      std::min(1.0, static_cast<double>(meter_.timed_ns()) / static_cast<double>(loop_ns));
  send(wire::Fact{"measure_time_ns", meter_.timed_ns()});
  send(wire::Fact{"timed_share", timed_share});
  const std::optional<int64_t> cpu_ns = meter_.cpu_time_ns();
  send_if_told(send, "cpu_time_ns", cpu_ns);
  const auto in_proportion = [&](int64_t value) {
    return static_cast<int64_t>(static_cast<double>(value) * timed_share);
  };
  const auto own_ns = difference(begin_->process.cpu_time_ns, end_->process.cpu_time_ns);
  const auto busy_ns = difference(begin_->system.busy_time_ns, end_->system.busy_time_ns);
  if (cpu_ns && own_ns && busy_ns)
    send(wire::Fact{"system_busy_time_ns", *cpu_ns + in_proportion(*busy_ns - *own_ns)});
  if (const auto steal_ns = difference(begin_->system.steal_time_ns, end_->system.steal_time_ns))
    send(wire::Fact{"steal_time_ns", in_proportion(*steal_ns)});
  const auto send_difference = [&](const char* name, auto member) {
    send_if_told(send, name, difference(begin_->process.*member, end_->process.*member));
  };
  using probes::ProcessUsage;
  send_difference("voluntary_context_switches", &ProcessUsage::voluntary_context_switches);
  send_difference("involuntary_context_switches", &ProcessUsage::involuntary_context_switches);
  send_difference("minor_page_faults", &ProcessUsage::minor_page_faults);
  send_difference("major_page_faults", &ProcessUsage::major_page_faults);
  send_energy(send);
  send(wire::Fact{"condition_before", condition_});
  send(wire::Fact{"condition_after", condition_after_});
}

void Measuring::send_energy(const wire::Send& send) const {
  constexpr const char* lost = "its counter could not be read while steps were timed";
  const auto reason = [&](const std::string& told) {
    return told.empty() ? std::string(lost) : told;
  };
  if (const auto energy_uj = meter_.energy_uj()) {
    send(wire::Fact{"energy_uj", *energy_uj});
    send(wire::Fact{"energy_source", energy_.source()});
  } else {
    send(wire::Fact{"energy_reason", reason(energy_.reason())});
  }
  if (const auto dram_uj = meter_.energy_dram_uj())
    send(wire::Fact{"energy_dram_uj", *dram_uj});
  else
    send(wire::Fact{"energy_dram_reason", reason(energy_.dram_reason())});
}

void Measuring::send_work(const wire::Send& send) const {
  send(wire::Fact{"measured_runs", work_.run_count});
  for (const auto& [item, count] : work_.items) send(wire::Fact{"measured_" + item, count});
}

// Peak and steady memory, and what of it are weights and what is scratch (docs/methodology.md).
void Measuring::send_memory(std::span<const std::string> bundles, const wire::Send& send) const {
  // Where the peak can't be reset it is that of the whole life, compiling included.
  send_if_told(send, is_peak_reset_ ? "rss_bytes_peak_run" : "rss_bytes_peak_life",
               without_room(ended_->peak_bytes));
  send_if_told(send, "rss_bytes_steady", without_room(ended_->resident_bytes));
  const std::optional<int64_t> weights = resident_bytes_of(bundles);
  if (const auto added = difference(loaded_.private_bytes, compiled_.parts.private_bytes);
      weights && added)
    send(wire::Fact{"rss_bytes_weights", *weights + std::max<int64_t>(0, *added)});
  const auto mapped = difference(compiled_.parts.mapped_bytes, ended_->parts.mapped_bytes);
  const auto above = difference(compiled_.resident_bytes, ended_->peak_bytes);
  if (is_peak_reset_ && above && mapped)
    send(wire::Fact{"rss_bytes_scratch", std::max<int64_t>(0, *above - *mapped)});
}

void Measuring::send(std::span<const std::string> bundles, const wire::Send& send) const {
  if (!begin_ || !end_) return;
  send_if_told(send, "rss_bytes_peak_compile", without_room(compiled_.peak_bytes));
  send_usage(send);
  send_work(send);
  send_memory(bundles, send);
  // The samples' own clock readings are in bench/timed_loop.cpp.
  send(wire::Fact{"probe_time_ns", probe_time_ns_});
}

}  // namespace qb::worker
