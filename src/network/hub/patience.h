// Whether and when a request is made again. Pure, but for wait().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "network/hub/transfer.h"

namespace qb::hub {

class Patience {
 public:
  // How long to wait before the next try, in milliseconds; empty: give up. Tries count anew after
  // one that brought at least a megabyte.
  std::optional<int64_t> next_wait_ms(const Reply& reply, int64_t bytes_brought);

  static constexpr int try_count_max = 5;
  static constexpr int64_t first_wait_ms = 500;          // doubled for each further try
  static constexpr int64_t asked_wait_ms_max = 300'000;  // a server may ask for so much

 private:
  int try_count_ = 0;  // that failed
};

// Whether the request may succeed when it is made again: the connection broke, the server is busy,
// or it is at fault.
bool is_passing(const Reply& reply);

// False as soon as goes_on() is, which is asked several times a second.
bool wait(int64_t duration_ms, const std::function<bool()>& goes_on);

}  // namespace qb::hub
