// Pictures that networks are judged and calibrated on.
#pragma once

#include "base/result.h"
#include "measurement/prepare/data_place.h"

namespace qb::prepare {

// With classes by their numbers. The user's, or the largest built-in set that is here.
Result<Dataset> pictures_to_score(const DataPlace& place);
// With classes by texts. Errors: unavailable, where the model has no tokenizer and real weights.
Result<Dataset> described_pictures_to_score(const DataPlace& place);
Result<Dataset> pictures_to_calibrate_on(const DataPlace& place);

}  // namespace qb::prepare
