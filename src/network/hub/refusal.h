// A hub's refusal in the user's words: what failed, and what to do.
#pragma once

#include <string_view>

#include "base/result.h"
#include "network/hub/name.h"
#include "network/hub/settings.h"
#include "network/hub/transfer.h"

namespace qb::hub {

// Of a reply that is not whole. `path`: the file that was asked for; "" for the repository itself.
Error refusal_of(const Reply& reply, const RepositoryName& name, std::string_view path,
                 const Settings& settings);

// How to get at a repository whose owner gives access by request.
Error gated(const RepositoryName& name, const Settings& settings);

}  // namespace qb::hub
