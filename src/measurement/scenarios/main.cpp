// The entry point of every worker: qbench-worker-<framework>.
#include <cstdio>

#include "measurement/scenarios/scenarios.h"
#include "measurement/wire/serve.h"
#include "measurement/worker/products.h"
#include "measurement/worker/schemes.h"

namespace qb::scenarios {
namespace {

constexpr std::string_view usage =
    "usage: qbench-worker-<framework> --describe\n"
    "       qbench-worker-<framework> --check DEVICE\n"
    "       qbench-worker-<framework> --run REQUEST.json [--events-fd N]\n"
    "--check multiplies matrices on a device and says how far off the products are.\n"
    "Runs one launch of one case and writes its events, one JSON object a line (to standard\n"
    "output unless N is given). qbench keeps the request of every launch in its log folder.\n";

Json describe(worker::Engine& engine) {
  const worker::Description d = engine.describe();
  Json::Array devices;
  for (const worker::DeviceDescription& device : d.devices)
    devices.push_back(Json::object(
        {{"name", device.name}, {"available", device.available}, {"reason", device.reason}}));
  Json schemes = Json::object({});
  if (d.available)
    for (const auto& [name, kernels] : worker::describe_schemes(engine, d.devices))
      schemes.set(name, kernels);
  return Json::object({{"framework", d.framework},
                       {"version", d.version},
                       {"available", d.available},
                       {"reason", d.reason},
                       {"remedy", d.remedy},
                       {"devices", std::move(devices)},
                       {"operators", Json::array_of(d.operators)},
                       {"schemes", std::move(schemes)},
                       {"emits", d.emits},
                       {"facts", d.facts}});
}

}  // namespace
}  // namespace qb::scenarios

int main(int argument_count, char** arguments) try {
  using namespace qb::scenarios;
  const std::unique_ptr<qb::worker::Engine> engine = qb::worker::make_engine();
  return qb::wire::serve(
      {arguments, static_cast<size_t>(argument_count)}, usage,
      {.describe = [&] { return describe(*engine); },
       .check =
           [&](const std::string& device) { return qb::worker::check_products(*engine, device); },
       .run = [&](const qb::wire::Request& request,
                  const qb::wire::Send& send) { return run_request(*engine, request, send); }});
} catch (const std::exception& error) {  // a framework that throws while it describes itself
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
