#include "measurement/lowering/notes.h"

#include <fmt/format.h>

namespace qb::lowering {

void add_note(Json& notes, std::string_view kind, std::string_view choice) {
  const std::string& known = notes[kind].as_string();
  if (known.empty())
    notes.set(kind, choice);
  else if (known.find(choice) == std::string::npos)
    notes.set(kind, fmt::format("{} and {}", known, choice));
}

std::string describe_computing(const Json& notes) {
  std::string text;
  for (const auto& [kind, choice] : notes.as_object())
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", kind, choice.as_string());
  return text.empty() ? "f32" : text;
}

}  // namespace qb::lowering
