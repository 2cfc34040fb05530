// `qbench serve` and `qbench merge`.
#include <cstdio>

#include "cli/commands.h"
#include "cli/interruption.h"
#include "results/dashboard/server.h"
#include "results/store/merge.h"

namespace qb::cli {
namespace {

Result<void> merge_all(const MergeOptions& options) {
  // All are looked at before the target is touched.
  std::vector<store::Store> sources;
  for (const std::filesystem::path& path : options.sources) {
    std::error_code error;
    if (!std::filesystem::exists(path, error))
      return fail(Errc::not_found, "{}: there is no such store", path.string());
    if (std::filesystem::equivalent(path, options.target, error))
      return fail(Errc::bad_input, "{}: is the target itself", path.string());
    QB_TRY(store::Store source, store::Store::open_to_read(path));
    sources.push_back(std::move(source));
  }
  QB_TRY(store::Store target, store::Store::open(options.target));
  for (size_t i = 0; i < sources.size(); ++i) {
    QB_TRY(const store::Merged merged,
           with_context(store::merge(target, sources[i]), options.sources[i].string()));
    std::printf("%s: %lld new runs; %lld records taken, %lld were there\n",
                options.sources[i].c_str(), static_cast<long long>(merged.run_count),
                static_cast<long long>(merged.record_count),
                static_cast<long long>(merged.known_record_count));
  }
  return {};
}

}  // namespace

int serve_dashboard(const ServeOptions& options) {
  const Result<std::filesystem::path> store = store_path(options.store);
  if (!store) return refuse(store.error().message);
  watch_interruption();
  const auto started = [](const std::string& url) {
    std::printf("dashboard  %s  (Ctrl-C ends it)\n", url.c_str());
    std::fflush(stdout);
  };
  const Result<void> served = dashboard::serve(
      {.store = *store, .address = options.address, .port = options.port, .hosts = options.hosts},
      interruption(), started);
  return served ? exit_ok : refuse(served.error().message);
}

int merge_stores(const MergeOptions& options) {
  const Result<void> merged = merge_all(options);
  return merged ? exit_ok : refuse(merged.error().message);
}

}  // namespace qb::cli
