// How a process of qbench's takes a request and tells what comes of it: its command line, its
// limits, the edge where exceptions end.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"

namespace qb::wire {

struct Duties {
  std::function<Json()> describe;                             // "--describe" prints it
  std::function<Json(const std::string& device)> check = {};  // "--check DEVICE" prints it
  // "--run REQUEST.json [--events-fd N]" sets the request's limits, runs it and ends with a
  // Finished event.
  std::function<Result<void>(const Request&, const Send&)> run;
};

// Gives the exit code: 0 done, 1 the request came to another outcome than ok, 2 usage.
int serve(std::span<char*> arguments, std::string_view usage, const Duties& duties);

}  // namespace qb::wire
