// Carries a plan out: prepares bundles, data and baselines, starts a worker for each launch, and
// gives away each record as soon as it has grown.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/record/record.h"
#include "orchestration/plan/plan.h"
#include "orchestration/runner/frameworks.h"

namespace qb::campaign {

struct Settings {
  std::string run_id;
  uint64_t seed = 0;
  spec::Protocol protocol;
  std::filesystem::path data_folder;
  std::filesystem::path cache_folder;
  std::filesystem::path log_folder;
  std::filesystem::path text_file = {};  // that language models are judged on; empty: the built-in
  std::filesystem::path images = {};     // that networks of pictures are judged on, likewise
  const std::atomic<bool>* is_interrupted = nullptr;
  // Records of an earlier part of the same run: their launches are not made again.
  std::vector<Record> earlier = {};
  // Why a case needs no launch of its speed with that index, given all records so far; empty: it
  // does. Not set: each gets all of its launches.
  std::function<std::string(const std::vector<Record>&, const Record&, int64_t index)> why_enough =
      {};
};

// What a campaign tells while it goes on; each may be empty.
struct Observer {
  std::function<void(std::string_view what)> on_preparing;
  std::function<void(size_t number, size_t count, const Case&, std::string_view kind)> on_launch;
  std::function<void(std::string_view phase)> on_phase;
  std::function<void(const Record&, const Launch&)> on_launched;
  // Something disturbed the launch that just ended: it is measured again.
  std::function<void(const Record&, std::string_view why)> on_disturbed;
};

enum class Ending { complete, budget_spent, interrupted };
std::string_view name_of(Ending ending);

struct Summary {
  Ending ending = Ending::complete;
  // Files that could not be read or written: their cases are recorded as failed, the rest went on.
  std::vector<std::string> problems;
};

// `save` is called after every launch with the record so far, measured anew. Its error, and only
// that, ends the campaign with an error: what the cases themselves suffer are outcomes.
Result<Summary> run_campaign(const plan::Plan& plan, const Settings& settings,
                             const std::vector<runner::Framework>& frameworks,
                             const Observer& observer,
                             const std::function<Result<void>(const Record&)>& save);

}  // namespace qb::campaign
