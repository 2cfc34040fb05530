#include "cli/hub_rows.h"

#include <algorithm>
#include <filesystem>

#include "base/units.h"
#include "cli/fetching.h"
#include "cli/own_models.h"
#include "network/hub/name.h"

namespace qb::cli {
namespace {

// The zoo's rows that cases of the plan are of, each once, and whose weights are a hub's.
std::vector<models::Model> rows_of(const plan::Plan& plan) {
  std::vector<models::Model> rows;
  for (const plan::PlannedCase& planned : plan.cases) {
    if (!planned.misfit.empty()) continue;
    const Result<models::Model> row = models::find_model(planned.source);
    if (row && !row->repository.empty() &&
        std::ranges::find(rows, row->name, &models::Model::name) == rows.end())
      rows.push_back(*row);
  }
  return rows;
}

// With how large it is, without asking the hub: checkpoints have 16 bits a weight.
std::string absence_of(const models::Model& row) {
  const Result<plan::PlannedModel> model = plan::planned_model(row.name);
  const int64_t bytes = model ? 2 * model->outline.weight_count() : 0;
  return fmt::format(
      "{0}: {1} is not here, about {2} to fetch: `qbench fetch {1}` or run --yes "
      "brings it, {0}@synthetic needs none",
      row.name, row.repository, format_quantity(static_cast<double>(bytes), "B"));
}

void put_in_place(const std::string& name, const std::string& folder, plan::Plan& plan) {
  for (plan::PlannedCase& planned : plan.cases)
    if (planned.source == name) planned.source = folder;
}

}  // namespace

Result<std::string> find_weights(const models::Model& row) {
  QB_TRY(const hub::RepositoryName name, hub::parse_name(row.repository));
  QB_TRY(const std::filesystem::path snapshot, find_snapshot(name));
  return std::filesystem::absolute(snapshot).string();
}

Result<void> find_all_weights(plan::Plan& plan, const RunOptions& options) {
  for (const models::Model& row : rows_of(plan)) {
    Result<std::string> folder = find_weights(row);
    if (!folder && options.plan_only) continue;
    if (!folder) {
      if (!options.yes && !can_ask()) return fail(Errc::not_found, "{}", absence_of(row));
      QB_TRY(const hub::Plan fetched,
             fetch({.name = row.repository, .yes = options.yes, .quiet = options.quiet}));
      folder = std::filesystem::absolute(fetched.folder).string();
    }
    put_in_place(row.name, *folder, plan);
  }
  return {};
}

std::vector<std::string> missing_weights(const plan::Plan& plan) {
  std::vector<std::string> lines;
  for (const models::Model& row : rows_of(plan)) {
    if (find_weights(row)) continue;
    lines.push_back(absence_of(row));
  }
  return lines;
}

}  // namespace qb::cli
