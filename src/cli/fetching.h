// Fetching a hub's model, with the user's consent.
#pragma once

#include "base/result.h"
#include "cli/commands.h"
#include "network/hub/hub.h"

namespace qb::cli {

// Whether a person can be asked: there is a terminal.
bool can_ask();

// Says what will be fetched and how large it is, and fetches it once --yes or a terminal's answer
// goes on; nothing is asked where all is here. Errors: the hub's, a disk that is too small, a
// refusal.
Result<hub::Plan> fetch(const FetchOptions& options);

}  // namespace qb::cli
