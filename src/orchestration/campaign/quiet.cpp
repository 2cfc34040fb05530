#include "orchestration/campaign/quiet.h"

#include <algorithm>

#include "base/clock.h"
#include "orchestration/campaign/pause.h"

namespace qb::campaign {
namespace {

constexpr double busy_share = 0.25;  // of the cores, by the load average

}  // namespace

std::string hindrance_of(const Json& condition, int64_t core_count) {
  if (condition["power_source"].as_string() == "battery") return "it runs on its battery";
  const std::string& pressure = condition["thermal_pressure"].as_string();
  if (!pressure.empty() && pressure != "nominal")
    return fmt::format("its thermal pressure is {}", pressure);
  if (condition["low_power_mode"].as_bool()) return "it is in low power mode";
  const double load = condition["load_average_1m"].as_double();
  if (load > busy_share * static_cast<double>(core_count))
    return fmt::format("it is busy: a load of {:.1f} on {} cores", load, core_count);
  return {};
}

Wait wait_until_quiet(const WaitSettings& settings) {
  const int64_t start_ns = now_ns();
  Wait wait;
  std::string told;
  while (true) {
    wait.last_hindrance = hindrance_of(settings.condition(), settings.core_count);
    if (wait.first_hindrance.empty()) wait.first_hindrance = wait.last_hindrance;
    wait.waited_ns = now_ns() - start_ns;
    const bool is_interrupted = settings.is_interrupted && *settings.is_interrupted;
    if (wait.last_hindrance.empty() || is_interrupted || wait.waited_ns >= settings.longest_ns)
      return wait;
    // A load changes each time: only its first words are news.
    const std::string kind = wait.last_hindrance.substr(0, wait.last_hindrance.find(':'));
    if (settings.on_waiting && kind != told) settings.on_waiting(wait.last_hindrance);
    told = kind;
    sleep_until(now_ns() + std::min(settings.look_ns, settings.longest_ns - wait.waited_ns),
                settings.is_interrupted);
  }
}

}  // namespace qb::campaign
