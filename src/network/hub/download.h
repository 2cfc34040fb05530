// Brings texts and files from a hub: asks again where that may help, goes on where a part is there,
// and keeps nothing whose hash is not the hub's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "network/hub/cache.h"
#include "network/hub/listing.h"
#include "network/hub/name.h"
#include "network/hub/settings.h"
#include "network/hub/transfer.h"

namespace qb::hub {

// Called several times a second, between pieces of the work.
struct Watch {
  // What it is at, and of a file that comes in the bytes that are there.
  std::function<void(std::string_view what, int64_t file_bytes)> show = [](auto&&...) {};
  std::function<bool()> goes_on = [] { return true; };  // false: stop, keep what came
};

class Downloader {
 public:
  static Result<Downloader> open(const Settings& settings, Watch watch);

  struct Text {
    std::string body;
    std::string next_page;  // the Link header
  };
  // An answer of the hub's interface, 64 MB at most.
  Result<Text> get_text(const RepositoryName& name, const std::string& url);

  // The blob of the file, if the cache has it not; another process may bring it meanwhile.
  Result<void> bring(const RepositoryName& name, const std::string& commit, const RemoteFile& file,
                     const RepositoryCache& cache);

  const Settings& settings() const { return settings_; }

 private:
  struct Attempt {
    Reply reply;
    int64_t bytes_brought = 0;
  };
  Downloader(Settings settings, Watch watch, Connection connection)
      : settings_(std::move(settings)),
        watch_(std::move(watch)),
        connection_(std::move(connection)) {}
  Result<Reply> patiently(const RepositoryName& name, std::string_view path,
                          const std::function<Result<Attempt>()>& attempt);
  Result<void> complete(const RepositoryName& name, const std::string& url, const RemoteFile& file,
                        const std::filesystem::path& place);
  Result<Attempt> attempt(const std::string& url, const RemoteFile& file,
                          const std::filesystem::path& place);
  Result<bool> is_right(const RemoteFile& file, const std::filesystem::path& place);
  std::function<bool()> shown(std::string what);

  Settings settings_;
  Watch watch_;
  Connection connection_;
};

}  // namespace qb::hub
