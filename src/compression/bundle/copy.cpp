#include "compression/bundle/copy.h"

#include "compression/bundle/model.h"

namespace qb::bundle {
namespace fs = std::filesystem;
namespace {

Result<void> copy_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy(from, to, fs::copy_options::recursive, error);
  if (error) return fail(Errc::io, "{}: cannot copy: {}", to.string(), error.message());
  return {};
}

// The list names its networks by their folders beside it.
Result<fs::path> copy_list(const fs::path& folder, const fs::path& target) {
  QB_TRY(const std::vector<NetworkFolder> networks, find_networks(folder));
  std::error_code error;
  fs::create_directories(target, error);
  if (error) return fail(Errc::io, "{}: cannot create: {}", target.string(), error.message());
  for (const NetworkFolder& network : networks) {
    const fs::path to = target / network.folder.filename();
    if (!fs::exists(to)) QB_CHECK(copy_folder(network.folder, to));  // two may be one bundle
  }
  QB_CHECK(copy_folder(folder, target / folder.filename()));
  return target / folder.filename();
}

}  // namespace

Result<fs::path> copy_model(const fs::path& folder, const fs::path& target) {
  Result<fs::path> place = target;
  if (fs::exists(folder / "model.json")) {
    place = copy_list(folder, target);
  } else if (const auto done = copy_folder(folder, target); !done) {
    place = tl::unexpected(done.error());
  }
  std::error_code ignored;
  if (!place) fs::remove_all(target, ignored);
  return place;
}

}  // namespace qb::bundle
