// Where a worker's events go.
#pragma once

#include <functional>

#include "measurement/wire/event.h"

namespace qb::wire {

// Writes one event; called outside timed regions only.
using Send = std::function<void(const Event&)>;

}  // namespace qb::wire
