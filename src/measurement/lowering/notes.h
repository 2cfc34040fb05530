// What lowerings chose, for Session::actual().
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace qb::lowering {

// Adds what was chosen for a kind of operator to what was chosen for others of the kind.
void add_note(Json& notes, std::string_view kind, std::string_view choice);

// "linear: MatMulNBits, …; embedding: …" of what was noted for each kind of operator; "f32" when
// nothing was.
std::string describe_computing(const Json& notes);

}  // namespace qb::lowering
