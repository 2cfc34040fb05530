#include "measurement/lowering/notes.h"

#include <fmt/format.h>

namespace qb::lowering {

std::string describe_computing(const Json& notes) {
  std::string text;
  for (const auto& [kind, choice] : notes.as_object())
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", kind, choice.as_string());
  return text.empty() ? "f32" : text;
}

}  // namespace qb::lowering
