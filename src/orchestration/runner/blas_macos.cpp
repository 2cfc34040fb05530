// macOS: frameworks use Accelerate, which is fast.
#include "orchestration/runner/blas.h"

namespace qb::runner {

std::vector<std::string> fast_blas_environment() { return {}; }

}  // namespace qb::runner
