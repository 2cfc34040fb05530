// Loops over independent pieces of work on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace qb {

// Processors that this process may run on; at least 1.
int64_t available_threads();

// Calls work(first, last) for ranges of at most `grain` indices that together are [0, count), each
// once, on up to `thread_count` threads; returns when all are done. The ranges depend on count and
// grain only, so that what each computes is the same for any number of threads.
template <typename Work>
void parallel_for(int64_t count, int64_t grain, int64_t thread_count, const Work& work) {
  const int64_t range_count = (count + grain - 1) / grain;
  std::atomic<int64_t> next = 0;
  const auto take_ranges = [&] {
    for (int64_t i = next++; i < range_count; i = next++)
      work(i * grain, std::min((i + 1) * grain, count));
  };
  std::vector<std::thread> threads;
  for (int64_t i = 1; i < std::min(thread_count, range_count); ++i)
    threads.emplace_back(take_ranges);
  take_ranges();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace qb
