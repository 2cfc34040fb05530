// Models of the user's own: a Hugging Face folder, a .gguf, or a hub's name whose files are here.
#pragma once

#include <string>
#include <vector>

#include "orchestration/plan/plan.h"

namespace qb::cli {

// Whether what stands after --model is meant as one of these: no model of the zoo has the name, and
// it is a folder, a .gguf or ORG/NAME[@REVISION].
bool is_own_model(const std::string& text);

// What qbench-prepare opens: a name of the zoo as it is, of a model of the user's own the absolute
// path. Errors: what is not here, with what to do.
Result<std::string> source_of(const std::string& model);

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
