// Models of a hub: what is to be fetched and how large it is, and the fetching. The folder that it
// ends in is that of the hub's own tools (network/hub/cache.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/hub/download.h"
#include "network/hub/listing.h"
#include "network/hub/name.h"
#include "network/hub/settings.h"

namespace qb::hub {

struct PlannedFile {
  RemoteFile file;
  bool is_here = false;
  int64_t missing_bytes = 0;  // what is still to come of it
};

struct Plan {
  RepositoryName name;
  std::string commit;
  std::filesystem::path folder;  // that has the files when they are fetched
  std::vector<PlannedFile> files;
  std::string note;  // why what is here was looked at and the hub was not; "" where it was asked

  int64_t total_bytes() const;
  int64_t missing_bytes() const;
  bool is_here() const;  // all of it
};

// How far fetch() is.
struct Progress {
  std::string_view what;      // the file, or what goes on besides
  int64_t done_bytes = 0;     // of the missing ones
  int64_t missing_bytes = 0;  // in all
  double bytes_per_s = 0;     // since it began
};

struct Observer {
  std::function<void(const Progress&)> show = [](const Progress&) {};  // several times a second
  std::function<void(const RemoteFile&)> on_file = [](const RemoteFile&) {};  // that is whole now
  std::function<bool()> goes_on = [] { return true; };  // false: stop, what came is kept
};

// Asks the hub, and looks at what is here only where it is offline or gives no answer. Weights are
// not fetched; an index of shards, by which they are chosen, is. `chosen`: files that the user
// names, see selection.h. Errors say what to do.
Result<Plan> plan_of(const Settings& settings, const RepositoryName& name,
                     const std::vector<std::string>& chosen, const Observer& observer);

// Error: io, where the disk is too small for what is missing.
Result<void> check_room(const Settings& settings, const Plan& plan);

// Errors: check_room()'s, before anything is fetched; bad_input for what the hub refuses and for
// content that is not what its listing says; unavailable where the connection broke too often or
// goes_on() said so: what came is gone on with next time.
Result<void> fetch(const Settings& settings, const Plan& plan, const Observer& observer);

}  // namespace qb::hub
