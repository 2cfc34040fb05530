// Where qbench keeps things on this machine.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace qb {

// $QBENCH_CACHE, else $XDG_CACHE_HOME/qbench, else ~/.cache/qbench: bundles and baselines; may be
// deleted. Error: bad_input where HOME is needed and no absolute path.
Result<std::filesystem::path> cache_folder();
// The same of $QBENCH_HOME, $XDG_DATA_HOME and ~/.local/share: the results store.
Result<std::filesystem::path> home_folder();
// $QBENCH_DATA, else <folder of the executable>/../share/qbench/data where qbench was installed,
// else <folder of the executable>/../../data: weights and data that set-up brought.
std::filesystem::path data_folder();
// $QBENCH_SUITES, else <folder of the executable>/../share/qbench/suites where qbench was
// installed, else <folder of the executable>/../../../suites: the suites that come with qbench.
std::filesystem::path suites_folder();
// The folder of the running executable, where its workers are.
std::filesystem::path executable_folder();

}  // namespace qb
