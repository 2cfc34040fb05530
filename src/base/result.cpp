#include "base/result.h"

namespace qb {

std::string_view name_of(Errc code) {
  switch (code) {
    case Errc::bad_input:
      return "bad_input";
    case Errc::not_found:
      return "not_found";
    case Errc::io:
      return "io";
    case Errc::invalid_graph:
      return "invalid_graph";
    case Errc::unsupported:
      return "unsupported";
    case Errc::unavailable:
      return "unavailable";
    case Errc::out_of_memory:
      return "out_of_memory";
    case Errc::framework_failed:
      return "framework_failed";
    case Errc::timed_out:
      return "timed_out";
    case Errc::crashed:
      return "crashed";
  }
  return "unknown";
}

}  // namespace qb
