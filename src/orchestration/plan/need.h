// What a case takes of the machine at its largest: an estimate from the model's shapes, by the rule
// of docs/decisions/0048.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "compression/bundle/outline.h"
#include "compression/quant/scheme.h"
#include "task/task.h"

namespace qb::plan {

struct Need {
  int64_t bundle_bytes = 0;     // on disk
  int64_t worker_bytes = 0;     // memory of a launch
  int64_t preparing_bytes = 0;  // memory of quantizing
};

// Nothing where only the checkpoint's own bits decide ("as-is"), or the outline is empty.
std::optional<Need> need_of(const bundle::Outline& outline, const quant::Scheme& scheme,
                            std::string_view framework, const task::Task& task,
                            const Workload& workload);

// Why it can't run in so much memory; empty: it can, or `memory_bytes` is 0, not known.
std::string misfit_of(const Need& need, int64_t memory_bytes);

// From weights that are here to a bundle.
double preparing_seconds(const bundle::Outline& outline, int64_t thread_count);
// Of one launch that goes so many times through the workload.
double launch_seconds(const bundle::Outline& outline, const Need& need, const task::Task& task,
                      const Workload& workload, int64_t round_count);

}  // namespace qb::plan
