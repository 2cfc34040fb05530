#include "cli/own_text.h"

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

Result<void> check_text(const fs::path& text, const plan::Plan& plan, bool is_quiet) {
  if (text.empty()) return {};
  std::set<std::string> sources;
  for (const plan::PlannedCase& planned : plan.cases)
    if (planned.quality && task::row_of(planned.subject.task).dataset == "text")
      sources.insert(planned.source);
  if (sources.empty())
    return fail(Errc::bad_input, "--text {}: nothing of this run is judged on a text",
                text.string());
  for (const std::string& source : sources) {
    QB_TRY(campaign::PreparationOptions processes, process_options("text"));
    const Result<Json> cut =
        prepare({.model = source, .text_file = text.string()}, processes, is_quiet);
    if (!cut && cut.error().code == Errc::bad_input) return tl::unexpected(cut.error());
  }
  return {};
}

}  // namespace qb::cli
