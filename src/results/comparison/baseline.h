// A run's figures as a small file that can lie in git beside the code: what a later run is compared
// with, without its samples.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "results/report/report.h"

namespace qb::comparison {

// JSON, one line a case, so that a diff shows which cases changed. The measurements must hold
// launch values (metrics::measure).
std::string baseline_text(const report::Document& document);

// Errors: no JSON, no baseline of qbench's, one of a later version, a field that is missing.
Result<report::Document> parse_baseline(std::string_view text);

}  // namespace qb::comparison
