// The user's own text, that language models are judged on.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "orchestration/plan/plan.h"

namespace qb::cli {

// The absolute path of --text; "" where none was given. Error: no such file.
Result<std::filesystem::path> text_path(const std::filesystem::path& given);

// Has qbench-prepare cut it for each of the plan's language models whose weights are here. Errors:
// a text that is empty, no UTF-8 or too short; nothing of the plan is judged on a text. A model
// without a tokenizer is no error: its speed is measured.
Result<void> check_text(const std::filesystem::path& text, const plan::Plan& plan, bool is_quiet);

}  // namespace qb::cli
