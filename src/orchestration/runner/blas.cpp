#include "orchestration/runner/blas.h"

namespace qb::runner {

std::string_view name_of(BlasChoice choice) {
  return choice == BlasChoice::fast ? "fast" : "as-shipped";
}

Result<BlasChoice> parse_blas_choice(std::string_view name) {
  for (const BlasChoice choice : {BlasChoice::fast, BlasChoice::as_shipped})
    if (name_of(choice) == name) return choice;
  return fail(Errc::bad_input, "unknown BLAS \"{}\"; known: fast as-shipped", name);
}

}  // namespace qb::runner
