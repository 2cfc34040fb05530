// The part of a record's manifest that is known before anything is measured.
#pragma once

#include "base/result.h"
#include "measurement/record/record.h"
#include "orchestration/campaign/materials.h"

namespace qb::campaign {

// Hashes, origin of the weights, size, what the scheme quantizes and what it was fitted on.
void describe_bundle(const BundleMaterial& material, Record& record);

// The data that quality is measured on, or why it can't be. `item_count_max` 0: all of it.
void describe_quality(const Result<QualityMaterial>& material, int64_t item_count_max,
                      Record& record);

}  // namespace qb::campaign
