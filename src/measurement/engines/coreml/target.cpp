#include "measurement/engines/coreml/target.h"

#include <algorithm>

namespace qb::coreml {

Result<Target> parse_target(std::string_view text, const quant::Scheme& scheme) {
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view name = colon == 0 ? "macos15" : text.substr(0, colon);
  const std::string_view type = text.substr(std::min(colon + 1, text.size()));
  const auto* row = std::ranges::find(target_rows, name, &TargetRow::name);
  const bool is_type = colon == text.size() || type == "f16" || type == "f32";
  if (row == std::end(target_rows) || !is_type) {
    std::string known;
    for (const TargetRow& each : target_rows)
      known += fmt::format("{}{}", known.empty() ? "" : " ", each.name);
    return fail(Errc::bad_input, "target \"{}\": Core ML's are {}, each also with :f16 or :f32",
                text, known);
  }
  const bool is_f32 =
      type == "f32" || (type.empty() && scheme.weight_type == quant::WeightType::f32);
  return Target{*row, is_f32 ? Type::f32 : Type::f16};
}

}  // namespace qb::coreml
