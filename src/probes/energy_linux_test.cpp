#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "probes/energy.h"

using namespace qb::probes;

TEST_CASE(
    "energy: packages are summed, a counter that wrapped is unwrapped, absence has a reason") {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / ("qb_powercap_" + std::to_string(::getpid()));
  const auto write = [&](const std::string& domain, const std::string& file, int64_t value) {
    fs::create_directories(root / domain);
    std::ofstream(root / domain / file) << value;
  };
  for (const char* domain : {"intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"}) {
    write(domain, "energy_uj", 900);
    write(domain, "max_energy_range_uj", 1000);
  }
  const EnergyMeter meter(root);
  CHECK(meter.used_uj() == 0);
  write("intel-rapl:0", "energy_uj", 950);
  write("intel-rapl:1", "energy_uj", 30);     // wrapped
  write("intel-rapl:0:0", "energy_uj", 990);  // part of package 0: not counted twice
  CHECK(meter.used_uj() == 50 + 130);
  fs::remove_all(root);
  const EnergyMeter none(root);
  CHECK_FALSE(none.used_uj());
  CHECK(none.reason().find("RAPL") != std::string::npos);
}
