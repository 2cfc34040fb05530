#include "orchestration/campaign/emission.h"

#include <unistd.h>

#include "base/file.h"
#include "base/output.h"
#include "orchestration/runner/launch.h"

namespace qb::campaign {
namespace fs = std::filesystem;
namespace {

constexpr int64_t emitting_limit_ns = 7'200'000'000'000;

// Without a slash at its end, which names no place beside it.
fs::path place_of(const fs::path& folder) {
  const fs::path place = fs::absolute(folder).lexically_normal();
  return place.has_filename() ? place : place.parent_path();
}

fs::path beside(const fs::path& folder) {
  return place_of(folder).string() + fmt::format(".{}.partial", ::getpid());
}

// Removes what is left of a package, however its making ends.
struct Partial {
  fs::path folder;
  ~Partial() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
};

Result<void> put_package(const fs::path& partial, const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(partial, error), end; !error && entry != end;
       entry.increment(error))
    if (!entry->is_symlink()) QB_CHECK(sync_path(entry->path()));
  if (error) return fail(Errc::io, "{}: cannot read: {}", partial.string(), error.message());
  return put_into_place(partial, place_of(folder));
}

}  // namespace

Result<void> check_package_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(place_of(folder), error);
  const bool is_empty = status.type() == fs::file_type::directory && fs::is_empty(folder, error);
  if (fs::exists(status) && !is_empty)
    return fail(Errc::bad_input, "{}: is there already, and no empty folder; name a new one",
                folder.string());
  return check_output(beside(folder));
}

Result<Json> run_emission(const runner::Framework& framework, const wire::Emission& emission,
                          const PreparationOptions& options) {
  const Partial partial = {beside(emission.folder)};
  wire::Emission to_partial = emission;
  to_partial.folder = partial.folder.string();
  const Launch launch =
      runner::run_launch({.limits = options.limits, .emission = std::move(to_partial)},
                         {.worker = framework.worker,
                          .environment = framework.environment,
                          .log_folder = options.log_folder,
                          .name = fmt::format("emit.{}", framework.name),
                          .time_limit_ns = emitting_limit_ns,
                          .is_interrupted = options.is_interrupted,
                          .on_phase = options.tell});
  if (launch.outcome != Outcome::ok)
    return fail(Errc::framework_failed, "{}: {}", framework.name, launch.reason);
  if (!fs::is_directory(partial.folder))
    return fail(Errc::framework_failed, "{}: its worker has written no package", framework.name);
  QB_CHECK(put_package(partial.folder, emission.folder));
  return launch.facts["package"];
}

}  // namespace qb::campaign
