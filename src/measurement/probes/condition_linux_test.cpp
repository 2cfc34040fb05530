#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

#include "measurement/probes/condition.h"

using namespace qb;
namespace fs = std::filesystem;

namespace {

struct Root {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_condition_{}", ::getpid());
  ~Root() { fs::remove_all(path); }
  void write(const fs::path& file, std::string_view text) const {
    fs::create_directories((path / file).parent_path());
    std::ofstream(path / file) << text;
  }
};

}  // namespace

TEST_CASE("load, clock, heat and power are read where the system tells them") {
  const Root root;
  root.write("proc/loadavg", "0.52 0.4 0.3 1/200 77\n");
  root.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2000000\n");
  root.write("sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "3000000\n");
  root.write("sys/devices/system/cpu/cpufreq/scaling_cur_freq", "9\n");  // no core's
  root.write("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "3\n");
  root.write("sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "4\n");
  root.write("sys/class/thermal/thermal_zone0/temp", "41000\n");
  root.write("sys/class/thermal/thermal_zone1/temp", "55500\n");
  root.write("sys/class/power_supply/AC/type", "Mains\n");
  root.write("sys/class/power_supply/AC/online", "0\n");
  root.write("sys/class/power_supply/BAT0/type", "Battery\n");
  root.write("sys/class/power_supply/BAT0/capacity", "80\n");
  const Json condition = probes::describe_condition(root.path);
  CHECK(condition["load_average_1m"].as_double() == doctest::Approx(0.52));
  CHECK(condition["cpu_frequency_hz"].as_double() == doctest::Approx(2.5e9));
  CHECK(condition["temperature_c"].as_double() == doctest::Approx(55.5));
  CHECK(condition["throttle_count"].as_int() == 7);
  CHECK(condition["power_source"].as_string() == "battery");
  CHECK(condition["battery_percent"].as_double() == 80.0);
  root.write("sys/class/power_supply/AC/online", "1\n");
  CHECK(probes::describe_condition(root.path)["power_source"].as_string() == "mains");
}

TEST_CASE("what the system doesn't tell is absent; a virtual machine's clock is in cpuinfo") {
  const Root root;
  fs::create_directories(root.path);
  CHECK(probes::describe_condition(root.path).as_object().empty());
  root.write("proc/cpuinfo",
             "processor : 0\ncpu MHz\t\t: 2100.5\n\nprocessor : 1\ncpu MHz : 2099.5\n");
  const Json condition = probes::describe_condition(root.path);
  CHECK(condition["cpu_frequency_hz"].as_double() == doctest::Approx(2.1e9));
  CHECK(condition.as_object().size() == 1);
}
