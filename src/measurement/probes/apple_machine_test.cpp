// Readings as Macs show them (of the values that count here), and one of a chip to come.
#include "measurement/probes/apple_machine.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::probes;

namespace {

AppleReadings mac(const std::string& brand, std::vector<std::pair<std::string, int64_t>> kinds) {
  AppleReadings readings = {.texts = {{"machdep.cpu.brand_string", brand},
                                      {"hw.machine", "arm64"},
                                      {"kern.osproductversion", "26.3.1"},
                                      {"kern.osversion", "25D2128"},
                                      {"kern.osrelease", "25.3.0"}},
                            .numbers = {{"kern.hv_vmm_present", 0}, {"hw.memsize", 68719476736}}};
  int64_t total = 0;
  for (size_t level = 0; level < kinds.size(); ++level) {
    const std::string prefix = fmt::format("hw.perflevel{}", level);
    readings.texts[prefix + ".name"] = kinds[level].first;
    readings.numbers[prefix + ".physicalcpu"] = kinds[level].second;
    total += kinds[level].second;
  }
  readings.numbers["hw.physicalcpu"] = readings.numbers["hw.logicalcpu"] = total;
  return readings;
}

AppleReadings with_gpu(AppleReadings readings, int64_t core_count) {
  readings.numbers["gpu-core-count"] = core_count;
  return readings;
}

}  // namespace

TEST_CASE("an M3 Max tells its cores, its GPU and the bandwidth of its build") {
  const AppleReadings full =
      with_gpu(mac("Apple M3 Max", {{"Performance", 12}, {"Efficiency", 4}}), 40);
  const Json machine = describe_apple_machine(full);
  CHECK(machine["cpu"].as_string() == "Apple M3 Max");
  CHECK(machine["chip"].as_string() == "M3 Max");
  CHECK(machine["chip_generation"].as_string() == "M3");
  CHECK(machine["chip_variant"].as_string() == "Max");
  CHECK(machine["physical_cores"].as_int() == 16);
  CHECK(machine["performance_cores"].as_int() == 12);
  CHECK(machine["efficiency_cores"].as_int() == 4);
  CHECK(machine["gpu_cores"].as_int() == 40);
  CHECK(machine["neural_engine_cores"].as_int() == 16);
  CHECK(machine["memory_bytes"].as_int() == 68719476736);
  CHECK(machine["memory_bandwidth_bytes_per_s"].as_int() == 400'000'000'000);
  CHECK(machine["memory_bandwidth_source"].as_string() == "Apple's technical specifications");
  CHECK(machine["os"].as_string() == "macOS 26.3.1");
  CHECK(machine["os_build"].as_string() == "25D2128");
  CHECK_FALSE(machine["is_virtual"].as_bool(true));
  CHECK_FALSE(machine["gpu_neural_accelerators"].as_bool(true));
  CHECK(fast_core_count(full) == 12);

  const AppleReadings less =
      with_gpu(mac("Apple M3 Max", {{"Performance", 10}, {"Efficiency", 4}}), 30);
  CHECK(describe_apple_machine(less)["memory_bandwidth_bytes_per_s"].as_int() == 300'000'000'000);
  // Which of the two it is can't be told without its GPU's cores.
  const Json unknown =
      describe_apple_machine(mac("Apple M3 Max", {{"Performance", 10}, {"Efficiency", 4}}));
  CHECK_FALSE(unknown.contains("memory_bandwidth_bytes_per_s"));
  CHECK_FALSE(unknown.contains("gpu_cores"));
}

TEST_CASE("builds of one chip are told apart by their GPU's cores") {
  const auto bandwidth_gb = [](std::string_view name, int64_t gpu_cores) {
    const AppleChipRow* row = find_apple_chip(name, gpu_cores);
    return row ? row->memory_bandwidth_bytes_per_s / 1'000'000'000 : 0;
  };
  CHECK(bandwidth_gb("M1", 7) == 68);
  CHECK(bandwidth_gb("M1", 8) == 68);
  CHECK(bandwidth_gb("M1 Ultra", 48) == 800);
  CHECK(bandwidth_gb("M4", 10) == 120);
  CHECK(bandwidth_gb("M4 Max", 32) == 410);
  CHECK(bandwidth_gb("M4 Max", 40) == 546);
  CHECK(bandwidth_gb("M5 Max", 32) == 460);
  CHECK(bandwidth_gb("M5 Max", 40) == 614);
  CHECK(bandwidth_gb("M4 Max", 36) == 0);  // there is no such build
  CHECK(bandwidth_gb("M4 Extreme", 80) == 0);
}

TEST_CASE("super and performance cores of an M5 Max both get threads, efficiency cores none") {
  const AppleReadings max = with_gpu(mac("Apple M5 Max", {{"Super", 6}, {"Performance", 12}}), 40);
  const Json machine = describe_apple_machine(max);
  CHECK(machine["super_cores"].as_int() == 6);
  CHECK(machine["performance_cores"].as_int() == 12);
  CHECK_FALSE(machine.contains("efficiency_cores"));
  CHECK(machine["gpu_neural_accelerators"].as_bool());
  CHECK(fast_core_count(max) == 18);
  CHECK(fast_core_count(mac("Apple M5", {{"Super", 4}, {"Efficiency", 6}})) == 4);
  AppleReadings nameless = mac("Apple M1", {{"", 4}, {"", 4}});  // an older macOS
  CHECK(describe_apple_machine(nameless)["performance_cores"].as_int() == 4);
  CHECK(describe_apple_machine(nameless)["efficiency_cores"].as_int() == 4);
  CHECK(fast_core_count(nameless) == 4);
}

TEST_CASE("a chip that nobody here knows is named as it names itself") {
  const Json machine = describe_apple_machine(
      with_gpu(mac("Apple M7 Extreme Plus", {{"Super", 8}, {"Efficiency", 4}}), 64));
  CHECK(machine["chip"].as_string() == "M7 Extreme Plus");
  CHECK(machine["chip_generation"].as_string() == "M7");
  CHECK(machine["chip_variant"].as_string() == "Extreme Plus");
  CHECK(machine["gpu_cores"].as_int() == 64);
  for (const char* absent : {"memory_bandwidth_bytes_per_s", "memory_bandwidth_source",
                             "neural_engine_cores", "performance_cores"})
    CHECK_FALSE(machine.contains(absent));
  CHECK(machine["gpu_neural_accelerators"].as_bool());  // M5 and later
  CHECK(parse_apple_chip("Apple A18 Pro")->variant == "Pro");
  CHECK_FALSE(neural_accelerators(*parse_apple_chip("Apple A18 Pro"), "26.3"));
  CHECK_FALSE(neural_accelerators(*parse_apple_chip("Apple processor"), "26.3"));
}

TEST_CASE("a virtual Mac claims nothing of its host's GPU and memory") {
  AppleReadings readings = mac("Apple M1 (Virtual)", {{"Performance", 3}});
  readings.numbers["kern.hv_vmm_present"] = 1;
  readings.texts["hw.model"] = "VirtualMac2,1";
  const Json machine = describe_apple_machine(readings);
  CHECK(machine["is_virtual"].as_bool());
  CHECK(machine["chip"].as_string() == "M1");
  CHECK(machine["model"].as_string() == "VirtualMac2,1");
  for (const char* absent : {"memory_bandwidth_bytes_per_s", "neural_engine_cores", "gpu_cores"})
    CHECK_FALSE(machine.contains(absent));
  CHECK_FALSE(machine["gpu_neural_accelerators"].as_bool(true));
  CHECK(fast_core_count(readings) == 3);
}

TEST_CASE("a Mac with an Intel processor has cores and memory, and no chip of Apple's") {
  AppleReadings readings = {
      .texts = {{"machdep.cpu.brand_string", "Intel(R) Core(TM) i9-9980HK CPU @ 2.40GHz"},
                {"hw.machine", "x86_64"},
                {"kern.osproductversion", "15.7"}},
      .numbers = {{"hw.physicalcpu", 8}, {"hw.logicalcpu", 16}, {"hw.memsize", 34359738368}}};
  const Json machine = describe_apple_machine(readings);
  CHECK(machine["physical_cores"].as_int() == 8);
  CHECK(machine["logical_cores"].as_int() == 16);
  for (const char* absent :
       {"chip", "performance_cores", "gpu_cores", "is_virtual", "is_translated",
        "gpu_neural_accelerators", "memory_bandwidth_bytes_per_s"})
    CHECK_FALSE(machine.contains(absent));
  CHECK(fast_core_count(readings) == 8);
  CHECK(describe_apple_machine({}).as_object().empty());
  CHECK(fast_core_count({}) == 0);
}

TEST_CASE("neural accelerators need an M5 and macOS 26.2") {
  const auto usable = [](const char* brand, const char* macos) {
    return neural_accelerators(*parse_apple_chip(brand), macos)->are_usable;
  };
  CHECK_FALSE(usable("Apple M4 Ultra", "27.0"));
  CHECK_FALSE(usable("Apple M5", "26.1.9"));
  CHECK_FALSE(usable("Apple M5", "15.7"));
  CHECK(usable("Apple M5", "26.2"));
  CHECK(usable("Apple M5 Pro", "26.10"));
  CHECK(usable("Apple M10", "27"));
  CHECK_FALSE(neural_accelerators(*parse_apple_chip("Apple M5"), ""));
  CHECK(neural_accelerators(*parse_apple_chip("Apple M5"), "26.1")->reason ==
        "M5 has them; macOS 26.1 is older than 26.2, which opens them");
}

TEST_CASE("the power mode is read from pmset's words") {
  CHECK(power_mode_of("Currently in use:\n standby              1\n powermode            2\n"
                      " Sleep On Power Button 1\n") == "high");
  CHECK(power_mode_of("Currently in use:\n powermode 0\n displaysleep 10\n") == "automatic");
  CHECK(power_mode_of(" lowpowermode         1\n") == "low");
  CHECK(power_mode_of(" lowpowermode 0\n powermode 1\n") == "low");
  CHECK(power_mode_of(" lowpowermode         0\n") == "automatic");
  CHECK(power_mode_of(" displaysleep 10\n").empty());
  CHECK(power_mode_of("").empty());
  AppleReadings readings;
  readings.texts["pmset"] = " powermode 2\n";
  CHECK(describe_apple_machine(readings)["power_mode"].as_string() == "high");
}
