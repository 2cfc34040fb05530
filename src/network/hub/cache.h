// A repository's folder in the cache that the hub's own tools keep:
//
//   <cache>/models--ORG--NAME/blobs/<digest>                 contents, whole ones only
//                             blobs/<digest>.incomplete      one that is coming in
//                             snapshots/<commit>/<path>      links to the blobs
//                             refs/<revision>                the commit that it was
//   <cache>/.locks/models--ORG--NAME/<digest>.lock           held while a blob comes in
//
// So what they brought is found here, and what qbench brings is found by them.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/result.h"
#include "network/hub/listing.h"
#include "network/hub/name.h"

namespace qb::hub {

class RepositoryCache {
 public:
  RepositoryCache(const std::filesystem::path& cache, const RepositoryName& name);

  std::filesystem::path snapshot(const std::string& commit) const;
  std::filesystem::path blob(const RemoteFile& file) const;
  std::filesystem::path incomplete(const RemoteFile& file) const;

  // Whether the content is there, whole as far as its size says.
  bool has(const RemoteFile& file) const;
  // Bytes of the part that came in before; 0 where there is none.
  int64_t incomplete_bytes(const RemoteFile& file) const;

  // The commit that the revision is or was when it was last asked for; empty: not known here.
  std::optional<std::string> find_commit(const std::string& revision) const;
  // The files of a snapshot whose links lead to something, sorted by path, without digests.
  std::vector<RemoteFile> files_of(const std::string& commit) const;

  Result<void> save_commit(const std::string& revision, const std::string& commit) const;
  // Makes the snapshot's link to the blob; one that is there already stays.
  Result<void> link(const RemoteFile& file, const std::string& commit) const;

  // Bytes that may be written to the disk that the cache is on.
  Result<int64_t> free_bytes() const;

  // The lock of a blob, which another process may hold: then `is_busy` is told once, and goes_on()
  // ends the waiting. It is released with the descriptor.
  Result<Descriptor> lock(const RemoteFile& file, const std::function<bool()>& goes_on,
                          const std::function<void()>& is_busy) const;

 private:
  std::filesystem::path cache_;
  std::string folder_name_;
  std::filesystem::path folder_;
};

}  // namespace qb::hub
