#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "measurement/probes/energy.h"

using namespace qb::probes;
namespace fs = std::filesystem;

namespace {

// A folder of powercap's, with the zones that a machine showed.
struct Powercap {
  fs::path path = fs::temp_directory_path() / ("qb_powercap_" + std::to_string(::getpid()));
  Powercap() { fs::create_directories(path / "intel-rapl"); }
  ~Powercap() { fs::remove_all(path); }

  void add(const std::string& zone, const std::string& name, int64_t range_uj = 1'000'000) const {
    fs::create_directories(path / zone);
    std::ofstream(path / zone / "name") << name << "\n";
    std::ofstream(path / zone / "max_energy_range_uj") << range_uj << "\n";
    set(zone, 900'000);
  }
  void set(const std::string& zone, int64_t energy_uj) const {
    std::ofstream(path / zone / "energy_uj") << energy_uj << "\n";
  }
};

}  // namespace

TEST_CASE("a laptop's psys contains its package: it is not added to it") {
  const Powercap machine;
  machine.add("intel-rapl:0", "package-0");
  machine.add("intel-rapl:0:0", "core");
  machine.add("intel-rapl:0:1", "uncore");
  machine.add("intel-rapl:1", "psys");
  machine.add("intel-rapl-mmio:0", "package-0");  // the same package once more
  const EnergyMeter meter(machine.path);
  CHECK(meter.used_uj() == 0);
  machine.set("intel-rapl:0", 900'050);
  machine.set("intel-rapl:0:0", 900'040);
  machine.set("intel-rapl:0:1", 900'003);
  machine.set("intel-rapl:1", 900'090);
  machine.set("intel-rapl-mmio:0", 900'050);
  CHECK(meter.used_uj() == 50);
  CHECK(meter.source() == "packages");
  CHECK_FALSE(meter.used_dram_uj());
  CHECK(meter.dram_reason().find("memory") != std::string::npos);
}

TEST_CASE("a server's packages are summed, its memory apart; a counter that wrapped is unwrapped") {
  const Powercap machine;
  for (const std::string package : {"0", "1"}) {
    machine.add("intel-rapl:" + package, "package-" + package);
    machine.add("intel-rapl:" + package + ":0", "dram", 2'000'000);
  }
  const EnergyMeter meter(machine.path);
  machine.set("intel-rapl:0", 950'000);
  machine.set("intel-rapl:1", 30'000);  // wrapped
  machine.set("intel-rapl:0:0", 900'007);
  machine.set("intel-rapl:1:0", 900'004);
  CHECK(meter.used_uj() == 50'000 + 130'000);
  CHECK(meter.used_dram_uj() == 11);
  fs::remove(machine.path / "intel-rapl:1" / "energy_uj");  // a part is no whole
  CHECK_FALSE(meter.used_uj());
  const EnergyMeter partly_readable(machine.path);
  CHECK_FALSE(partly_readable.used_uj());
  CHECK(partly_readable.reason().find("root") != std::string::npos);
  CHECK(partly_readable.used_dram_uj() == 0);
}

TEST_CASE("AMD's packages stand under the same prefix, several dies of one package too") {
  const Powercap machine;
  machine.add("intel-rapl:0", "package-0-die-0");
  machine.add("intel-rapl:0:0", "core");
  machine.add("intel-rapl:1", "package-0-die-1");
  machine.add("intel-rapl:1:0", "core");
  const EnergyMeter meter(machine.path);
  machine.set("intel-rapl:0", 900'001);
  machine.set("intel-rapl:0:0", 900'001);
  machine.set("intel-rapl:1", 900'002);
  CHECK(meter.used_uj() == 3);
}

TEST_CASE("the platform alone is read and named; nothing at all has its reason") {
  const Powercap machine;
  const EnergyMeter none(machine.path);
  CHECK_FALSE(none.used_uj());
  CHECK(none.source().empty());
  CHECK(none.reason().find("no RAPL") != std::string::npos);
  machine.add("intel-rapl:0", "psys");
  const EnergyMeter meter(machine.path);
  machine.set("intel-rapl:0", 900'009);
  CHECK(meter.used_uj() == 9);
  CHECK(meter.source() == "platform");
  const Powercap old;  // shown by the other interface only
  fs::remove_all(old.path / "intel-rapl:0");
  old.add("intel-rapl-mmio:0", "package-0");
  CHECK(EnergyMeter(old.path).source() == "packages");
}
