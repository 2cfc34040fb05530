#include "cli/own_text.h"

#include <algorithm>
#include <set>
#include <string>

#include "cli/prepare.h"
#include "task/task.h"

namespace qb::cli {
namespace fs = std::filesystem;

Result<fs::path> text_path(const fs::path& given) {
  if (given.empty()) return given;
  std::error_code error;
  if (!fs::is_regular_file(given, error))
    return fail(Errc::not_found, "--text {}: no such file", given.string());
  return fs::absolute(given).lexically_normal();
}

Result<void> check_own_data(const OwnData& data, const plan::Plan& plan, bool is_quiet) {
  std::set<std::string> sources;
  for (const plan::PlannedCase& planned : plan.cases) {
    const std::string_view dataset = task::row_of(planned.subject.task).dataset;
    if (planned.quality && std::ranges::find(data.datasets, dataset) != data.datasets.end())
      sources.insert(planned.source);
  }
  if (sources.empty())
    return fail(Errc::bad_input, "{} {}: nothing of this run is judged on {}", data.option,
                data.path.string(), data.kind);
  for (const std::string& source : sources) {
    QB_TRY(campaign::PreparationOptions processes,
           process_options(std::string(data.option.substr(2))));
    wire::Preparation asked = data.preparation;
    asked.model = source;
    const Result<Json> made = prepare(asked, processes, is_quiet);
    const bool is_wrong =
        !made && (made.error().code == Errc::bad_input || made.error().code == Errc::unsupported);
    if (is_wrong) return tl::unexpected(made.error());
  }
  return {};
}

Result<void> check_text(const fs::path& text, const plan::Plan& plan, bool is_quiet) {
  if (text.empty()) return {};
  return check_own_data({.option = "--text",
                         .kind = "a text",
                         .path = text,
                         .datasets = {"text"},
                         .preparation = {.text_file = text.string()}},
                        plan, is_quiet);
}

}  // namespace qb::cli
