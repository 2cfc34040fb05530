// What stands between a model's name and a launch, made in a process of its own: weight files may
// come from anywhere, and a hostile one meets nothing but this.
#pragma once

#include "base/result.h"
#include "measurement/prepare/model_source.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"

namespace qb::prepare {

// Carries request.preparation out. Sends what it is at as phases and, as facts, "source" {"hash",
// "weights", "name", "task", "context_tokens", "weight_count", "outline" (see bundle/outline.h)}
// and, unless it only looks, "bundle" (a folder, of several networks see bundle/model.h) or
// "dataset" {"file", "name", "content_hash", "item_count"}; with_layer_errors adds how far the work
// is to the phases, and the facts "layers" (compress::LayerError each, the worst first), "stored"
// {"parameter_count", "element_count", "bytes"} of all parameters, and "calibration" like a dataset
// where there is one. Of several networks, a layer's "parameter" is "network/parameter" and sums
// are over all. Errors: those of open_model, compress::build_model and prepare_dataset.
Result<void> run_preparation(const wire::Request& request, const wire::Send& send);
// Of a model that is open.
Result<void> run_preparation(const wire::Preparation& preparation, const ModelSource& source,
                             const wire::Send& send);

}  // namespace qb::prepare
