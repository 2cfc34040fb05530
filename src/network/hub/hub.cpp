#include "network/hub/hub.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/clock.h"
#include "base/file.h"
#include "base/percent_encoding.h"
#include "base/units.h"
#include "network/hub/refusal.h"
#include "network/hub/selection.h"

namespace qb::hub {
namespace {

constexpr int page_count_max = 1000;

std::string bytes_text(int64_t count) { return format_quantity(static_cast<double>(count), "B"); }

Watch quiet_watch(const Observer& observer) {
  return {.show = [&observer](std::string_view what, int64_t) { observer.show({.what = what}); },
          .goes_on = observer.goes_on};
}

Result<std::vector<RemoteFile>> list_files(Downloader& downloader, const RepositoryName& name,
                                           const std::string& commit) {
  const std::string base =
      fmt::format("{}/api/models/{}/tree/{}?", downloader.settings().endpoint, name.id, commit);
  std::vector<RemoteFile> files;
  std::string query = "recursive=true";
  for (int page = 0; page < page_count_max; ++page) {
    QB_TRY(const Downloader::Text text, downloader.get_text(name, base + query));
    QB_CHECK(parse_tree_page(text.body, files));
    const auto next = next_page_query(text.next_page);
    if (!next) {
      QB_CHECK(check_listing(files));
      return files;
    }
    query = *next;
  }
  return fail(Errc::bad_input, "the hub's listing has more than {} pages", page_count_max);
}

// What an index of shards names; empty where there is no index.
Result<std::vector<std::string>> shards_of(Downloader& downloader, const Plan& plan,
                                           const RepositoryCache& cache,
                                           const std::vector<RemoteFile>& files,
                                           const std::vector<std::string>& chosen) {
  const std::string name = shard_index_of(files, chosen);
  if (name.empty()) return std::vector<std::string>();
  const RemoteFile& index = *std::ranges::find(files, name, &RemoteFile::path);
  QB_CHECK(downloader.bring(plan.name, plan.commit, index, cache));
  QB_TRY(const std::string text, read_file(cache.blob(index)));
  return with_context(parse_shard_index(text), name);
}

PlannedFile planned(const RemoteFile& file, const RepositoryCache& cache) {
  if (cache.has(file)) return {file, true, 0};
  return {file, false, std::max<int64_t>(0, file.size_bytes - cache.incomplete_bytes(file))};
}

Result<Plan> plan_by_hub(const Settings& settings, const RepositoryName& name,
                         const std::vector<std::string>& chosen, const Observer& observer) {
  const RepositoryCache cache(settings.cache, name);
  QB_TRY(Downloader downloader, Downloader::open(settings, quiet_watch(observer)));
  QB_TRY(const Downloader::Text text,
         downloader.get_text(name, fmt::format("{}/api/models/{}/revision/{}", settings.endpoint,
                                               name.id, percent_encoded(name.revision, false))));
  QB_TRY(const RepositoryInfo info, with_context(parse_repository(text.body), text_of(name)));
  if (info.is_gated && settings.token.empty()) return tl::unexpected(gated(name, settings));
  Plan plan = {.name = name, .commit = info.commit, .folder = cache.snapshot(info.commit)};
  QB_TRY(const std::vector<RemoteFile> files,
         with_context(list_files(downloader, name, info.commit), text_of(name)));
  QB_TRY(const std::vector<std::string> shards, shards_of(downloader, plan, cache, files, chosen));
  QB_TRY(const std::vector<RemoteFile> selected,
         with_context(select_files(files, chosen, shards), text_of(name)));
  for (const RemoteFile& file : selected) plan.files.push_back(planned(file, cache));
  return plan;
}

// What is here of the revision, if it is all that the model needs.
Result<Plan> plan_by_cache(const Settings& settings, const RepositoryName& name,
                           const std::vector<std::string>& chosen) {
  const RepositoryCache cache(settings.cache, name);
  const auto commit = cache.find_commit(name.revision);
  if (!commit)
    return fail(Errc::not_found, "{} is not in {}", text_of(name), settings.cache.string());
  Plan plan = {.name = name, .commit = *commit, .folder = cache.snapshot(*commit)};
  const std::vector<RemoteFile> files = cache.files_of(*commit);
  std::vector<std::string> shards;
  if (const std::string index = shard_index_of(files, chosen); !index.empty()) {
    QB_TRY(const std::string text, read_file(plan.folder / index));
    QB_TRY(shards, with_context(parse_shard_index(text), (plan.folder / index).string()));
  }
  QB_TRY(const std::vector<RemoteFile> selected,
         with_context(select_files(files, chosen, shards), plan.folder.string()));
  for (const RemoteFile& file : selected) plan.files.push_back({file, true, 0});
  return plan;
}

// Sums up what the files of a plan tell.
class Tally {
 public:
  Tally(const Plan& plan, const Observer& observer)
      : observer_(observer), missing_bytes_(plan.missing_bytes()) {}

  void begin(const PlannedFile& planned) {
    had_bytes_ = planned.file.size_bytes - planned.missing_bytes;
    file_done_bytes_ = 0;
  }
  void end(const PlannedFile& planned) {
    done_bytes_ += planned.missing_bytes;
    file_done_bytes_ = 0;
    observer_.on_file(planned.file);
  }
  void show(std::string_view what, int64_t file_bytes) {
    if (file_bytes > 0) file_done_bytes_ = std::max<int64_t>(0, file_bytes - had_bytes_);
    const int64_t done_bytes = done_bytes_ + file_done_bytes_;
    const double elapsed_s = static_cast<double>(now_ns() - start_ns_) * 1e-9;
    observer_.show(
        {.what = what,
         .done_bytes = done_bytes,
         .missing_bytes = missing_bytes_,
         .bytes_per_s = elapsed_s > 0.1 ? static_cast<double>(done_bytes) / elapsed_s : 0});
  }

 private:
  const Observer& observer_;
  int64_t missing_bytes_;
  int64_t start_ns_ = now_ns();
  int64_t done_bytes_ = 0;       // of the files before
  int64_t had_bytes_ = 0;        // of the file at hand, from before
  int64_t file_done_bytes_ = 0;  // of the file at hand, since
};

}  // namespace

int64_t Plan::total_bytes() const {
  return std::accumulate(files.begin(), files.end(), int64_t{0},
                         [](int64_t sum, const PlannedFile& p) { return sum + p.file.size_bytes; });
}

int64_t Plan::missing_bytes() const {
  return std::accumulate(files.begin(), files.end(), int64_t{0},
                         [](int64_t sum, const PlannedFile& p) { return sum + p.missing_bytes; });
}

bool Plan::is_here() const { return std::ranges::all_of(files, &PlannedFile::is_here); }

Result<void> check_room(const Settings& settings, const Plan& plan) {
  const int64_t missing_bytes = plan.missing_bytes();
  if (missing_bytes == 0) return {};
  QB_TRY(const int64_t free_bytes, RepositoryCache(settings.cache, plan.name).free_bytes());
  if (missing_bytes <= free_bytes) return {};
  return fail(Errc::io,
              "{}: {} to fetch, but {} has room for {}: free some, or name another folder by "
              "HF_HUB_CACHE",
              text_of(plan.name), bytes_text(missing_bytes), settings.cache.string(),
              bytes_text(free_bytes));
}

Result<Plan> plan_of(const Settings& settings, const RepositoryName& name,
                     const std::vector<std::string>& chosen, const Observer& observer) {
  if (settings.is_offline) {
    Result<Plan> plan =
        with_context(plan_by_cache(settings, name, chosen), "HF_HUB_OFFLINE is set");
    if (plan) plan->note = "HF_HUB_OFFLINE is set";
    return plan;
  }
  Result<Plan> plan = plan_by_hub(settings, name, chosen, observer);
  if (plan || plan.error().code != Errc::unavailable || !observer.goes_on()) return plan;
  Result<Plan> here = plan_by_cache(settings, name, chosen);
  if (!here) return plan;
  here->note = plan.error().message;
  return here;
}

Result<void> fetch(const Settings& settings, const Plan& plan, const Observer& observer) {
  if (!plan.note.empty()) return {};  // all is here
  const RepositoryCache cache(settings.cache, plan.name);
  QB_CHECK(check_room(settings, plan));
  Tally tally(plan, observer);
  QB_TRY(Downloader downloader,
         Downloader::open(settings, {.show = [&](std::string_view what,
                                                 int64_t bytes) { tally.show(what, bytes); },
                                     .goes_on = observer.goes_on}));
  // Small ones first: what the hub refuses is known before the large ones.
  std::vector<PlannedFile> files = plan.files;
  std::ranges::sort(files, {}, [](const PlannedFile& p) {
    return std::pair<int64_t, std::string_view>(p.file.size_bytes, p.file.path);
  });
  for (const PlannedFile& planned : files) {
    tally.begin(planned);
    QB_CHECK(downloader.bring(plan.name, plan.commit, planned.file, cache));
    QB_CHECK(cache.link(planned.file, plan.commit));
    if (!planned.is_here) tally.end(planned);
  }
  return cache.save_commit(plan.name.revision, plan.commit);
}

}  // namespace qb::hub
