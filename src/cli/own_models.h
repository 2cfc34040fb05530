// Models of the user's own: a Hugging Face folder, a .gguf, or a hub's name whose files are here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "network/hub/name.h"
#include "orchestration/plan/plan.h"

namespace qb::cli {

// Whether what stands after --model is meant as one of these: no model of the zoo has the name, and
// it is a folder, a .gguf or ORG/NAME[@REVISION].
bool is_own_model(const std::string& text);

// The folder of the hub's cache that has the repository's files. Error: not_found, with what brings
// them.
Result<std::filesystem::path> find_snapshot(const hub::RepositoryName& name);

// What qbench-prepare opens: a name of the zoo as it is, or the folder of its weights where they
// are a hub's; of a model of the user's own the absolute path. Errors: what is not here, with what
// to do.
Result<std::string> source_of(const std::string& model);
// The same for a run of the user's own model: what is on a hub is fetched first, see
// cli/fetching.h, unless only a plan is wanted. No hub is asked where nobody said yes or can.
Result<std::string> fetched_source_of(const std::string& model, const RunOptions& options);

// Of each model, of the zoo by its name (which is then none of `names`) or a source, the source
// with the adapter on it. Errors: there is no such folder, or no model.
Result<void> put_adapter(const std::string& adapter, std::vector<std::string>& names,
                         std::vector<std::string>& sources);

// Has qbench-prepare look at each (sources, see above): names, tasks and contents for a plan. Two
// of one name, or one of the zoo's, are told apart by their folders. Errors: what isn't read or is
// wrong, one given twice.
Result<std::vector<plan::PlannedModel>> look_at(const std::vector<std::string>& sources,
                                                bool is_quiet);

}  // namespace qb::cli
