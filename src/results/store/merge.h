// What one store has, into another: as often as one likes.
#pragma once

#include "results/store/store.h"

namespace qb::store {

struct Merged {
  int64_t run_count = 0;  // that the target hadn't
  int64_t record_count = 0;
  int64_t known_record_count = 0;  // that it had as whole, or with more launches
};

// Each record in a transaction of its own, so that what an interruption leaves is whole. Errors: a
// row that can't be read, and a run of the target's that has the same id and is another.
Result<Merged> merge(Store& target, const Store& source);

}  // namespace qb::store
