// What lowerings chose, for Session::actual().
#pragma once

#include <string>

#include "base/json.h"

namespace qb::lowering {

// "linear: MatMulNBits, …; embedding: …" of what was noted for each kind of operator; "f32" when
// nothing was.
std::string describe_computing(const Json& notes);

}  // namespace qb::lowering
