// Where a worker's events go.
#pragma once

#include <functional>

#include "wire/event.h"

namespace qb::worker {

// Writes one event; called outside timed regions only.
using Send = std::function<void(const wire::Event&)>;

}  // namespace qb::worker
