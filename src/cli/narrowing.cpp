#include "cli/narrowing.h"

#include <algorithm>

namespace qb::cli {
namespace {

template <typename T>
void keep_first_of_each(std::vector<T>& items) {
  std::vector<T> kept;
  for (T& item : items)
    if (std::ranges::find(kept, item) == kept.end()) kept.push_back(std::move(item));
  items = std::move(kept);
}

Result<void> check(const std::vector<int64_t>& thread_counts, std::string_view origin,
                   int64_t processor_count) {
  for (const int64_t count : thread_counts)
    if (count < 1 || count > processor_count)
      return fail(Errc::bad_input, "{} {}: this machine offers 1 to {}", origin, count,
                  processor_count);
  return {};
}

}  // namespace

plan::Narrowing without_repeats(plan::Narrowing narrowing) {
  keep_first_of_each(narrowing.models);
  keep_first_of_each(narrowing.schemes);
  keep_first_of_each(narrowing.frameworks);
  keep_first_of_each(narrowing.devices);
  keep_first_of_each(narrowing.thread_counts);
  keep_first_of_each(narrowing.batches);
  keep_first_of_each(narrowing.depths);
  return narrowing;
}

Result<void> check_threads(const plan::Narrowing& narrowing, const spec::Suite& suite,
                           int64_t processor_count) {
  if (!narrowing.thread_counts.empty())
    return check(narrowing.thread_counts, "--threads", processor_count);
  for (const spec::Benchmark& benchmark : suite.benchmarks)
    QB_CHECK(check(benchmark.thread_counts, fmt::format("suite \"{}\": threads", suite.name),
                   processor_count));
  return {};
}

}  // namespace qb::cli
