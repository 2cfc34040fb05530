#include "orchestration/plan/need.h"

#include <algorithm>

#include "base/units.h"
#include "measurement/record/frameworks.h"

namespace qb::plan {
namespace {

constexpr int64_t framework_bytes = 300'000'000;  // of the framework itself
constexpr int64_t preparer_bytes = 100'000'000;
// What a core is expected to do, where nothing was measured: quantize weights, multiply and add
// while a prompt is read, and stream weights while a token is made (that all cores share).
constexpr double quantized_per_core_s = 30e6;
constexpr double products_per_core_s = 15e9;
constexpr double streamed_bytes_per_s = 8e9;
constexpr double start_s = 1.0;

double factor_of(std::string_view framework) {
  const auto row =
      std::ranges::find(framework_rows, base_framework(framework), &FrameworkRow::name);
  return row == std::end(framework_rows) ? FrameworkRow{}.memory_factor : row->memory_factor;
}

// Of one sequence: those that a context holds, and of them those that are passes of their own.
struct Tokens {
  double context = 0.0;
  double passes = 0.0;
};
Tokens tokens_of(const task::Task& task, const Workload& workload) {
  Tokens tokens;
  for (const task::Axis* axis : task.axes) {
    if (axis->is_context) tokens.context += task::value_of(*axis, workload);
    if (axis->is_passes) tokens.passes += task::value_of(*axis, workload);
  }
  return tokens;
}

std::string bytes_text(int64_t count) { return format_quantity(static_cast<double>(count), "B"); }

}  // namespace

std::optional<Need> need_of(const bundle::Outline& outline, const quant::Scheme& scheme,
                            std::string_view framework, const task::Task& task,
                            const Workload& workload) {
  const std::optional<int64_t> stored = stored_bytes_of(outline, scheme);
  if (!stored || outline.groups.empty()) return std::nullopt;
  const auto context_tokens = static_cast<int64_t>(tokens_of(task, workload).context);
  const int64_t cache_bytes = workload.batch() * context_tokens * outline.cache_bytes_per_token;
  return Need{
      .bundle_bytes = *stored,
      .worker_bytes = framework_bytes + cache_bytes +
                      static_cast<int64_t>(factor_of(framework) * static_cast<double>(*stored)),
      // The largest parameter as floats, and as it is stored.
      .preparing_bytes = preparer_bytes + 8 * outline.largest_count()};
}

std::string misfit_of(const Need& need, int64_t memory_bytes) {
  const int64_t bytes = std::max(need.worker_bytes, need.preparing_bytes);
  if (memory_bytes <= 0 || bytes <= memory_bytes) return {};
  return fmt::format("needs about {} of memory (its weights take {}), this machine offers {}",
                     bytes_text(bytes), bytes_text(need.bundle_bytes), bytes_text(memory_bytes));
}

double preparing_seconds(const bundle::Outline& outline, int64_t thread_count) {
  return static_cast<double>(outline.weight_count()) /
         (quantized_per_core_s * static_cast<double>(thread_count));
}

double launch_seconds(const bundle::Outline& outline, const Need& need, const task::Task& task,
                      const Workload& workload, int64_t round_count) {
  const auto weights = static_cast<double>(outline.weight_count());
  const auto cores = static_cast<double>(workload.thread_count());
  const auto batch = static_cast<double>(workload.batch());
  const Tokens tokens = tokens_of(task, workload);
  // A network without tokens goes once through its weights for an item: a bound from below, since
  // convolutions use theirs many times.
  const double at_once = std::max(1.0, tokens.context - tokens.passes);
  const double round_s =
      batch * at_once * weights / (products_per_core_s * cores) +
      tokens.passes * static_cast<double>(need.bundle_bytes) / streamed_bytes_per_s;
  return start_s + static_cast<double>(round_count) * round_s;
}

}  // namespace qb::plan
