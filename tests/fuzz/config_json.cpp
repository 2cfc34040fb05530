// A config.json: the network that it describes is built.
#include "base/json.h"
#include "fuzz.h"
#include "network/models/architectures.h"
#include "network/models/models.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<Json> json = parse_json(fuzz::text_of(data, size));
  if (!json) return 0;
  if (const auto model = models::read_model(*json)) (void)models::build_networks(*model);
  return 0;
}
