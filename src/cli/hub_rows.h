// Models of the zoo whose weights are a hub's.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/commands.h"
#include "network/models/models.h"
#include "orchestration/plan/plan.h"

namespace qb::cli {

// The folder of its weights, where the hub's cache has them. Error: not_found, with what brings
// them.
Result<std::string> find_weights(const models::Model& row);

// Puts those folders in place of the names in the plan's cases; what is not here is fetched, see
// cli/fetching.h, or for a plan alone left as it is. Errors: those of fetch; what is not here,
// where nobody said yes or can be asked.
Result<void> find_all_weights(plan::Plan& plan, const RunOptions& options);

// What would be fetched for the plan, a line each.
std::vector<std::string> missing_weights(const plan::Plan& plan);

}  // namespace qb::cli
