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

Result<void> check(const plan::Axes& axes, std::string_view origin, int64_t processor_count) {
  const auto given = axes.find("thread_count");
  if (given == axes.end()) return {};
  for (const double count : given->second)
    if (count < 1 || count > static_cast<double>(processor_count))
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
  for (auto& [axis, values] : narrowing.axes) keep_first_of_each(values);
  return narrowing;
}

Result<void> check_threads(const plan::Narrowing& narrowing, const spec::Suite& suite,
                           int64_t processor_count) {
  const auto given = narrowing.axes.find("thread_count");
  if (given != narrowing.axes.end() && !given->second.empty())
    return check(narrowing.axes, "--threads", processor_count);
  for (const spec::Benchmark& benchmark : suite.benchmarks)
    QB_CHECK(
        check(benchmark.axes, fmt::format("suite \"{}\": threads", suite.name), processor_count));
  return {};
}

}  // namespace qb::cli
