// The history of a store, as `qbench history` and `qbench nightly` look at it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "results/history/history.h"
#include "results/history/tell.h"

namespace qb::cli {

// `metrics` empty: those that the gate judges. `part`: of the case's id; "" for all. Changes are
// not looked for yet.
Result<history::History> collect_history(const std::filesystem::path& store,
                                         const std::vector<std::string>& metrics,
                                         const std::string& part);

// None where the file isn't there.
Result<std::vector<history::Acknowledged>> load_acknowledged(const std::filesystem::path& store);

// Fills in what else differs between the runs of a turn, in the cases that changed.
Result<void> find_causes(const std::filesystem::path& store, const history::History& all,
                         history::Turn& turn);

}  // namespace qb::cli
