// Requests that arrive at a fixed rate, whether or not those before them are done: the time of each
// counts from its intended start, so a stall is charged to all that it kept waiting.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"

namespace qb::worker {

struct Arrivals {
  std::vector<int64_t> latency_ns;  // from the intended start to the end
  std::vector<int64_t> wait_ns;     // of it before the work began
  int64_t duration_ns = 0;          // from the first intended start to the last end
};

struct ArrivingRequests {
  std::function<Result<void>(int64_t number)> prepare;  // no part of any time; empty: nothing to do
  std::function<Result<void>(int64_t number)> serve;
};

// Serves as many requests as the limits ask for by count and by duration, at most for
// limits.duration_ns_max. Sleeps until shortly before an intended start, then watches the clock,
// which stands still while a request is prepared.
Result<Arrivals> serve_arrivals(const wire::Limits& limits, double arrivals_per_s,
                                const ArrivingRequests& requests);

// Requests answered in a second. A request's own interval belongs to its time even where it is
// answered sooner: never more than arrive.
double served_per_s(const Arrivals& arrivals, double arrivals_per_s);

// Whether the queue stayed as long as it was: at the end of a run at most one request more waits
// than at its begin (medians of the first and the last quarter).
bool keeps_pace(const Arrivals& arrivals, double arrivals_per_s);

// How many times as long as in `busy_ns`, one right after another, requests take that came after a
// pause of half an interval or more: processors and, more so, GPUs idle down meanwhile (medians).
// Absent where fewer than three of either are there.
std::optional<double> after_pause_ratio(const Arrivals& arrivals, double arrivals_per_s,
                                        const std::vector<int64_t>& busy_ns);

// Does so when the workload has a rate: sends the phase "arrivals", samples "arrival_latency" and
// "arrival_wait", facts "served_per_s" and "kept_pace"; then a few requests one right after another
// and the fact "after_pause_ratio".
Result<void> measure_arrivals(const wire::Request& request, const wire::Send& send,
                              const ArrivingRequests& requests);

}  // namespace qb::worker
