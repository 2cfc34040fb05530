// How a process of qbench's takes a request and tells what comes of it: its command line, its
// limits, the edge where exceptions end.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "measurement/wire/request.h"
#include "measurement/wire/send.h"

namespace qb::wire {

// "--describe" prints what `describe` gives; "--run REQUEST.json [--events-fd N]" sets the
// request's limits, runs it and ends with a Finished event. Gives the exit code: 0 done, 1 the
// request came to another outcome than ok, 2 usage.
int serve(std::span<char*> arguments, std::string_view usage, const std::function<Json()>& describe,
          const std::function<Result<void>(const Request&, const Send&)>& run);

}  // namespace qb::wire
