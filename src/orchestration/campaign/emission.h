// Has a framework's worker write a package, under the limits of workers.
#pragma once

#include <filesystem>

#include "base/json.h"
#include "base/result.h"
#include "orchestration/campaign/preparation.h"
#include "orchestration/runner/frameworks.h"

namespace qb::campaign {

// Before the work: whether a package may be put there. Errors: bad_input for what is there already,
// unless it is an empty folder; io where nothing can be written.
Result<void> check_package_folder(const std::filesystem::path& folder);

// The worker writes beside `emission.folder`; what it wrote is put there when it is whole, and
// removed when it isn't. The framework needs a worker; it need not be available. Gives the fact
// "package", see worker/emission.h. Errors: framework_failed with the worker's reason; io.
Result<Json> run_emission(const runner::Framework& framework, const wire::Emission& emission,
                          const PreparationOptions& options);

}  // namespace qb::campaign
