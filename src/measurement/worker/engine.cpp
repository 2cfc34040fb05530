#include "measurement/worker/engine.h"

namespace qb::worker {

ir::Extents extents_of(const CompileOptions& options) {
  return {{ir::Symbol::batch, options.batch}, {ir::Symbol::context, options.context_tokens}};
}

}  // namespace qb::worker
