#include "network/hub/download.h"

#include <algorithm>

#include "base/file.h"
#include "base/percent_encoding.h"
#include "network/hub/part.h"
#include "network/hub/patience.h"
#include "network/hub/refusal.h"

namespace qb::hub {
namespace fs = std::filesystem;
namespace {

constexpr size_t text_bytes_max = size_t{64} << 20;

tl::unexpected<Error> stopped() { return fail(Errc::unavailable, "stopped; what came is kept"); }

}  // namespace

Result<Downloader> Downloader::open(const Settings& settings, Watch watch) {
  QB_TRY(Connection connection, Connection::open(settings));
  return Downloader(settings, std::move(watch), std::move(connection));
}

std::function<bool()> Downloader::shown(std::string what) {
  return [this, what = std::move(what)] {
    watch_.show(what, 0);
    return watch_.goes_on();
  };
}

Result<Reply> Downloader::patiently(const RepositoryName& name, std::string_view path,
                                    const std::function<Result<Attempt>()>& attempt) {
  for (Patience patience;;) {
    QB_TRY(Attempt made, attempt());
    if (made.reply.is_whole()) return std::move(made.reply);
    if (!watch_.goes_on()) return stopped();
    const auto wait_ms = patience.next_wait_ms(made.reply, made.bytes_brought);
    Error refusal = refusal_of(made.reply, name, path, settings_);
    if (!wait_ms) return tl::unexpected(std::move(refusal));
    if (!wait(*wait_ms, shown(fmt::format("once more soon: {}", refusal.message))))
      return stopped();
  }
}

Result<Downloader::Text> Downloader::get_text(const RepositoryName& name, const std::string& url) {
  std::string body;
  const auto once = [&]() -> Result<Attempt> {
    const Sink sink = {.begin =
                           [&](const Reply&) {
                             body.clear();
                             return true;
                           },
                       .write =
                           [&](std::string_view bytes) {
                             body += bytes;
                             return body.size() <= text_bytes_max;
                           }};
    Attempt made = {.reply = connection_.get(url, 0, sink, shown("asking " + settings_.endpoint))};
    if (body.size() > text_bytes_max) made.reply.trouble = "its answer is too long";
    return made;
  };
  QB_TRY(const Reply reply, patiently(name, "", once));
  return Text{std::move(body), reply.header("link")};
}

Result<void> Downloader::bring(const RepositoryName& name, const std::string& commit,
                               const RemoteFile& file, const RepositoryCache& cache) {
  if (cache.has(file)) return {};
  QB_TRY([[maybe_unused]] const int64_t free_bytes, cache.free_bytes());  // makes the folder
  const auto told = shown(fmt::format("waiting for another process to fetch {}", file.path));
  QB_TRY(const Descriptor lock, cache.lock(file, told, [] {}));
  if (cache.has(file)) return {};
  const fs::path place = cache.incomplete(file);
  const std::string url = fmt::format("{}/{}/resolve/{}/{}", settings_.endpoint, name.id, commit,
                                      percent_encoded(file.path, true));
  // A part that another run left may be another content's: then it is fetched once more, whole.
  for (bool had_part = cache.incomplete_bytes(file) > 0;; had_part = false) {
    QB_CHECK(complete(name, url, file, place));
    QB_TRY(const bool is_right, this->is_right(file, place));
    if (is_right) return put_into_place(place, cache.blob(file));
    std::error_code ignored;
    fs::remove(place, ignored);
    if (!had_part)
      return fail(Errc::bad_input,
                  "{}: {}: what came is not what the hub's listing says: its hash is not {}; it is "
                  "not kept",
                  text_of(name), file.path, file.digest);
  }
}

Result<void> Downloader::complete(const RepositoryName& name, const std::string& url,
                                  const RemoteFile& file, const fs::path& place) {
  return patiently(name, file.path, [&] { return attempt(url, file, place); }).map([](auto&&) {});
}

Result<Downloader::Attempt> Downloader::attempt(const std::string& url, const RemoteFile& file,
                                                const fs::path& place) {
  QB_TRY(Part part, Part::open(place, file.size_bytes));
  const int64_t first_byte = part.position();
  if (part.is_whole() && first_byte > 0) return Attempt{.reply = {.status = 200}};
  const Sink sink = {.begin = [&](const Reply& head) { return part.begin(head); },
                     .write = [&](std::string_view bytes) { return part.write(bytes); }};
  Reply reply = connection_.get(url, first_byte, sink, [&] {
    watch_.show(file.path, part.position());
    return watch_.goes_on();
  });
  QB_CHECK(part.written());
  if (!part.trouble().empty()) {
    reply.trouble = part.trouble();
    reply.is_lasting = part.is_lasting();
  } else if (reply.status == 416) {  // it has no such part: the next request is for the whole
    part.restart();
    reply.trouble = "it has no rest of the file";
  } else if (reply.is_whole() && !part.is_whole()) {
    reply.trouble = fmt::format("it sent {} of {} bytes", part.position(), file.size_bytes);
  }
  return Attempt{std::move(reply), std::max<int64_t>(0, part.position() - first_byte)};
}

Result<bool> Downloader::is_right(const RemoteFile& file, const fs::path& place) {
  const auto told = [&] {
    watch_.show(fmt::format("checking {}", file.path), file.size_bytes);
    return watch_.goes_on();
  };
  QB_TRY(const std::string digest, blob_digest_of_file(file.digest_kind(), place, told));
  return digest == file.digest;
}

}  // namespace qb::hub
