#include "measurement/worker/engine.h"

namespace qb::worker {

ir::Extents extents_of(const CompileOptions& options) {
  return {{ir::Symbol::batch, options.batch}, {ir::Symbol::context, options.context_tokens}};
}

std::string describe_computing(const Json& notes) {
  std::string text;
  for (const auto& [kind, choice] : notes.as_object())
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", kind, choice.as_string());
  return text.empty() ? "f32" : text;
}

}  // namespace qb::worker
