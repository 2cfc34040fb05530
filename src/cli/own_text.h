// The user's own text, that language models are judged on.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/wire/request.h"
#include "orchestration/plan/plan.h"

namespace qb::cli {

// The absolute path of --text; "" where none was given. Error: no such file.
Result<std::filesystem::path> text_path(const std::filesystem::path& given);

// Has qbench-prepare make the data of an option for each of the plan's models that is judged on one
// of these datasets (task/task.h) and whose weights are here. Errors: data that can't be judged on;
// nothing of the plan is.
struct OwnData {
  std::string_view option, kind;  // "--text", "a text"
  std::filesystem::path path;
  std::vector<std::string_view> datasets;
  wire::Preparation preparation;
};
Result<void> check_own_data(const OwnData& data, const plan::Plan& plan, bool is_quiet);

// Has qbench-prepare cut it for each of the plan's language models whose weights are here. Errors:
// a text that is empty, no UTF-8 or too short; nothing of the plan is judged on a text. A model
// without a tokenizer is no error: its speed is measured.
Result<void> check_text(const std::filesystem::path& text, const plan::Plan& plan, bool is_quiet);

}  // namespace qb::cli
