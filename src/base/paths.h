// Where qbench keeps things on this machine.
#pragma once

#include <filesystem>

namespace qb {

// $QBENCH_CACHE, else the user's cache folder + /qbench: bundles and baselines; may be deleted.
std::filesystem::path cache_folder();
// $QBENCH_HOME, else the user's data folder + /qbench: the results store.
std::filesystem::path home_folder();
// $QBENCH_DATA, else <folder of the executable>/../../data: weights and data that set-up installed.
std::filesystem::path data_folder();
// $QBENCH_SUITES, else <folder of the executable>/../../../suites: the suites that come with
// qbench.
std::filesystem::path suites_folder();
// The folder of the running executable, where its workers are.
std::filesystem::path executable_folder();

}  // namespace qb
