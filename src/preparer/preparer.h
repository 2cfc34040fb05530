// What stands between a model's name and a launch, made in a process of its own: weight files may
// come from anywhere, and a hostile one meets nothing but this.
#pragma once

#include "base/result.h"
#include "wire/request.h"
#include "worker/events.h"

namespace qb::preparer {

// Carries request.preparation out. Sends what it is at as phases and, as facts, "source" {"hash",
// "weights", "task", "weight_count"} and "bundle" (a folder) or "dataset" {"file", "name",
// "content_hash", "item_count"}. Errors: those of prepare::open_model, prepare_bundle and
// prepare_dataset.
Result<void> run_preparation(const wire::Request& request, const worker::Send& send);

}  // namespace qb::preparer
