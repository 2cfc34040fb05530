#include "orchestration/campaign/products.h"

namespace qb::campaign {

Result<void> Products::check(const runner::Framework& framework, const std::string& device,
                             Json& manifest) {
  if (device == "cpu") return {};
  const auto [known, is_new] = known_.try_emplace({framework.name, device});
  if (is_new) {
    const auto told = ask_(framework, device);
    known->second =
        told ? *told : Json::object({{"not_checked", told.error().message}, {"problem", ""}});
  }
  manifest.set("products", known->second);
  const std::string& problem = known->second["problem"].as_string();
  if (problem.empty()) return {};
  return fail(Errc::framework_failed,
              "{}'s products on {} are wrong, so its figures mean nothing: {}", framework.title,
              device, problem);
}

}  // namespace qb::campaign
