// How a run went as a whole: what a script or CI reads.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.h"
#include "measurement/record/record.h"
#include "orchestration/campaign/campaign.h"

namespace qb::cli {

struct Verdict {
  ExitCode code = exit_ok;
  std::string line;  // the run's last, which says why the code isn't exit_ok; else ""
};

// exit_interrupted for a run that was cut off; exit_usage where files were at fault (the summary's
// problems); exit_failed where a case failed in any other way, or where none was measured. What is
// unsupported or unavailable beside cases that were measured is no failure.
Verdict judge(const std::vector<Record>& records, const campaign::Summary& summary);

}  // namespace qb::cli
