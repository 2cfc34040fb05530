// What a user calls a run to be compared.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "results/comparison/tell.h"
#include "results/report/report.h"
#include "results/store/store.h"

namespace qb::cli {

// To read. Error: there is none yet.
Result<store::Store> open_store(const std::filesystem::path& path);

// The store's runs, the newest first. Error: there is no store.
Result<std::vector<Run>> load_runs(const std::filesystem::path& store);

// A run of the store by its id or the beginning of one; "" or newest_run for the newest. Errors
// say what to do.
Result<report::Document> load_run(const std::filesystem::path& store, const std::string& run);

// A run of the store as load_run has it; STORE or STORE#RUN for another one; a baseline's name, or
// its file. Measurements are made anew, so that they have their launches' values.
Result<report::Document> load_side(const std::filesystem::path& store, const std::string& side);

// Two sides, or two versions of a framework within one.
struct LoadedSides {
  std::shared_ptr<const report::Document> before;  // sides points into both
  std::shared_ptr<const report::Document> after;
  comparison::Sides sides;
};

// `names`: before and now, the newest run when there is one name only; with `against`, the run.
// Errors: those of load_side and pair_versions, too few names, no case that both have.
Result<LoadedSides> load_sides(const std::filesystem::path& store,
                               const std::vector<std::string>& names, const std::string& against);

// Where `qbench baseline set NAME` keeps it: in a folder beside the store. Error: a name that is no
// plain word.
Result<std::filesystem::path> baseline_path(const std::filesystem::path& store,
                                            const std::string& name);

// Error: no metric of that name, with the nearest one.
Result<const metrics::Metric*> find_metric(const std::string& name);

}  // namespace qb::cli
