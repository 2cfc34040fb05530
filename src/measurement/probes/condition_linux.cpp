#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "measurement/probes/condition.h"
#include "measurement/probes/kernel_file.h"

namespace qb::probes {
namespace fs = std::filesystem;
namespace {

// folder/<prefix><number>/<rest>: the numbers in those files that can be read.
std::vector<double> read_numbers(const fs::path& folder, std::string_view prefix,
                                 const fs::path& rest) {
  std::vector<double> values;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const size_t digits = prefix.size();
    if (!name.starts_with(prefix) || name.size() == digits || name[digits] < '0' ||
        name[digits] > '9')
      continue;
    if (const auto value = read_number<double>(entry.path() / rest)) values.push_back(*value);
  }
  return values;
}

// "cpu MHz : 2100.000", where a virtual machine has no cpufreq.
std::vector<double> frequencies_of_cpuinfo_khz(const fs::path& root) {
  std::vector<double> values;
  std::ifstream file(root / "proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("cpu MHz"))
      values.push_back(std::stod(line.substr(line.find(':') + 1)) * 1000.0);
  return values;
}

void add_frequency(const fs::path& root, Json& condition) {
  std::vector<double> khz =
      read_numbers(root / "sys/devices/system/cpu", "cpu", "cpufreq/scaling_cur_freq");
  if (khz.empty()) khz = frequencies_of_cpuinfo_khz(root);
  if (khz.empty()) return;
  double sum = 0.0;
  for (const double value : khz) sum += value;
  condition.set("cpu_frequency_hz", sum / static_cast<double>(khz.size()) * 1000.0);
}

void add_heat(const fs::path& root, Json& condition) {
  const auto zones = read_numbers(root / "sys/class/thermal", "thermal_zone", "temp");
  if (!zones.empty()) condition.set("temperature_c", std::ranges::max(zones) / 1000.0);
  const auto throttles =
      read_numbers(root / "sys/devices/system/cpu", "cpu", "thermal_throttle/core_throttle_count");
  if (throttles.empty()) return;
  double total = 0.0;
  for (const double count : throttles) total += count;
  condition.set("throttle_count", static_cast<int64_t>(total));
}

void add_power(const fs::path& root, Json& condition) {
  std::error_code error;
  bool has_battery = false;
  bool is_on_mains = false;
  for (const auto& entry : fs::directory_iterator(root / "sys/class/power_supply", error)) {
    const std::string type = read_word(entry.path() / "type");
    if (type == "Mains" || type == "USB")
      is_on_mains = is_on_mains || read_number<double>(entry.path() / "online") == 1.0;
    if (type != "Battery") continue;
    if (const auto percent = read_number<double>(entry.path() / "capacity")) {
      has_battery = true;
      condition.set("battery_percent", *percent);
    }
  }
  if (has_battery || is_on_mains) condition.set("power_source", is_on_mains ? "mains" : "battery");
}

}  // namespace

Json describe_condition() { return describe_condition("/"); }

Json describe_condition(const fs::path& root) {
  Json condition = Json::object({});
  if (const auto load = read_number<double>(root / "proc/loadavg"))
    condition.set("load_average_1m", *load);
  add_frequency(root, condition);
  add_heat(root, condition);
  add_power(root, condition);
  return condition;
}

}  // namespace qb::probes
