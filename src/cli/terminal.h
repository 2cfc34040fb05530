// How much room standard output has.
#pragma once

#include "results/report/report.h"

namespace qb::cli {

// As wide as $COLUMNS says, else as the terminal is; 100 columns where standard output is none.
report::Layout layout_of_terminal(bool is_wide);

}  // namespace qb::cli
