#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "measurement/probes/host.h"
#include "measurement/probes/process.h"

using namespace qb::probes;

TEST_CASE("memory that is touched shows in the resident set and its peak") {
  const auto before = resident_bytes();
  REQUIRE(before);
  std::vector<char> block(64 << 20, 1);
  CHECK(*resident_bytes() > *before + (60 << 20));
  CHECK(*peak_resident_bytes() >= *resident_bytes() - (1 << 20));
  CHECK(block[12345] == 1);
}

TEST_CASE("the peak falls when it is reset and memory has been given back") {
  constexpr size_t size_bytes = 64 << 20;  // mapped, so that giving it back is certain
  void* block =
      ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(block != MAP_FAILED);
  std::memset(block, 1, size_bytes);
  ::munmap(block, size_bytes);
  const auto high = peak_resident_bytes();
  if (!reset_peak_resident()) {
    MESSAGE("not run here: this system doesn't reset the peak");
    return;
  }
  CHECK(*peak_resident_bytes() < *high - (32 << 20));
}

TEST_CASE("CPU time grows with work") {
  const auto before = process_usage();
  volatile double sum = 0;
  for (int i = 0; i < 20'000'000; ++i) sum = sum + 1.0;
  CHECK(*process_usage().cpu_time_ns > *before.cpu_time_ns);
}

TEST_CASE("the host names its processor and cores") {
  const qb::Json host = describe_host();
  CHECK(host["physical_cores"].as_int() >= 1);
  CHECK(host["memory_bytes"].as_int() > 0);
}

TEST_CASE("the system was busy while this process was") {
  const SystemUsage before = system_usage();
  const auto cpu_before = process_usage().cpu_time_ns;
  volatile double sum = 0;
  for (int i = 0; i < 100'000'000; ++i) sum = sum + 1.0;
  const SystemUsage after = system_usage();
  REQUIRE(before.busy_time_ns);
  const double own = static_cast<double>(*process_usage().cpu_time_ns - *cpu_before);
  CHECK(static_cast<double>(*after.busy_time_ns - *before.busy_time_ns) > 0.8 * own - 2e7);
}
