#include "measurement/probes/scheduling.h"

namespace qb::probes {

std::string ask_for_fast_cores() { return {}; }

}  // namespace qb::probes
