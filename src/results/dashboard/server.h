// `qbench serve`: the dashboard's server. It reads; nothing writes.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace qb::dashboard {

struct ServerOptions {
  std::filesystem::path store;
  std::string address = "127.0.0.1";
  int port = 0;                    // 0: any that is free
  std::vector<std::string> hosts;  // further names, "lab.example:7300", by which it may be called
};

// Answers until the flag is set. `started` is told the address once it can be asked. Errors: no
// store, the address can't be had.
Result<void> serve(const ServerOptions& options, const std::atomic<bool>& stop,
                   const std::function<void(const std::string& url)>& started);

}  // namespace qb::dashboard
